#include "engine/passes/table.hpp"

#include <iterator>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/passes/constant_nodes.hpp"
#include "engine/passes/drop_unread_statistics.hpp"
#include "engine/passes/fold_batch_norms.hpp"
#include "engine/passes/fold_constants.hpp"
#include "engine/passes/fold_pads.hpp"
#include "engine/passes/remove_no_ops.hpp"
#include "engine/passes/remove_unused_nodes.hpp"

namespace titrate::engine {

std::span<const Pass> passes() {
  static constexpr Pass rows[] = {
      {"drop_unread_statistics", drop_unread_statistics},  // first: with them a batch normalization counts as training
      {"constant_nodes", constant_nodes_to_initializers},
      {"remove_no_ops", remove_no_ops},  // before folding: a weight behind an Identity is constant
      {"fold_constants", fold_constants},
      {"fold_pads", fold_pads},
      {"fold_batch_norms", fold_batch_norms},  // behind folding: it wants scales that are constant
      {"remove_unused_nodes", remove_unused_nodes},
  };
  return rows;
}

std::vector<PassResult> run_in_order(std::span<const Pass> rows, Model& model) {
  std::vector<PassResult> results;
  for (const Pass& pass : rows) {
    try {
      results.push_back({.name = pass.name, .rewrites = pass.run(model)});
      if (results.back().rewrites > 0) verify(model.graph);
    } catch (Error& error) {
      error.in(cat("pass ", pass.name));
      throw;
    }
  }
  return results;
}

std::vector<PassResult> run_passes(Model& model) { return run_in_order(passes(), model); }

}  // namespace titrate::engine
