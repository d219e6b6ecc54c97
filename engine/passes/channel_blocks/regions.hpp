// What hangs together in blocks of channels, and whether that is worth the reordering at its edges.
#pragma once

#include <unordered_map>

#include "engine/graph/graph.hpp"

namespace titrate::engine::blocks {

/// Values that nodes connect in blocks are one region. Sizes that are unknown count as 1, for products and floats alike.
class Regions {
 public:
  void join(ValueId one, ValueId other);
  /// Multiplications and additions of the convolution that computes `id`.
  void add_products(ValueId id, double products);
  /// So many floats of `id` are reordered.
  void add_reordered(ValueId id, double floats);
  /// Whether the region of `id` wins more than its reordering costs.
  [[nodiscard]] bool pays(ValueId id) const;

 private:
  struct Sums {
    double products = 0;
    double reordered = 0;
  };
  [[nodiscard]] ValueId root(ValueId id) const;

  std::unordered_map<ValueId, ValueId> parents_;
  std::unordered_map<ValueId, Sums> sums_;  // of a region, at its root
};

}  // namespace titrate::engine::blocks
