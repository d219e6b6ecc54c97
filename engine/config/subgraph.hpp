// The part of a graph between two sets of nodes, as an override names it: "conv1,conv2->add1".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace titrate {

/// Every node that can be reached from an input and from which an output can be reached, ends included (NNCF's IgnoredScope).
struct SubgraphSelector {
  std::vector<std::string> inputs;   ///< names of nodes
  std::vector<std::string> outputs;  ///< the same
};

/// Names are separated by commas, the two sides by "->"; a backslash stands before a comma, a '>' or a backslash that belongs to a name.
/// Throws Error(usage).
[[nodiscard]] SubgraphSelector parse_subgraph(std::string_view text, const std::string& where = {});
[[nodiscard]] std::string to_text(const SubgraphSelector& selector);

}  // namespace titrate
