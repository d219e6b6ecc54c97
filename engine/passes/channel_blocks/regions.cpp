#include "engine/passes/channel_blocks/regions.hpp"

namespace titrate::engine::blocks {
namespace {

// Reordering takes some 0.2 ns a float, a product 0.02 to 0.04 ns, of which blocks save a tenth to a third. At 27, a lone 3x3 convolution
// with stride 2 of a photograph (3 channels to 32) takes 0.97 to 0.99 of its time on planes, reordering included.
constexpr double least_products_per_float = 24;

}  // namespace

ValueId Regions::root(ValueId id) const {
  for (auto found = parents_.find(id); found != parents_.end(); found = parents_.find(id)) id = found->second;
  return id;
}

void Regions::join(ValueId one, ValueId other) {
  const ValueId kept = root(one);
  const ValueId gone = root(other);
  if (kept == gone) return;
  parents_[gone] = kept;
  const Sums sums = sums_[gone];
  sums_[kept].products += sums.products;
  sums_[kept].reordered += sums.reordered;
}

void Regions::add_products(ValueId id, double products) { sums_[root(id)].products += products; }

void Regions::add_reordered(ValueId id, double floats) { sums_[root(id)].reordered += floats; }

bool Regions::pays(ValueId id) const {
  const auto found = sums_.find(root(id));
  return found != sums_.end() && found->second.products >= least_products_per_float * found->second.reordered;
}

}  // namespace titrate::engine::blocks
