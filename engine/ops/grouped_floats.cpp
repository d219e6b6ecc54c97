#include "engine/ops/grouped_floats.hpp"

#include "engine/kernels/histogram/histogram.hpp"
#include "engine/kernels/minmax/minmax.hpp"
#include "engine/kernels/quantize/quantize.hpp"

namespace titrate::engine::ops {

void ranges_of_groups(std::span<const float> numbers, std::size_t group, std::span<float> lowest, std::span<float> highest) {
  static const kernels::GroupMinMax kernel = kernels::group_minmax_kernel(selected_isa());
  kernel(numbers.data(), numbers.size(), group, lowest.data(), highest.data());
}

void quantize_groups_to(std::span<std::int16_t> codes, std::span<const float> numbers, std::size_t group, std::span<const float> scales,
                        std::span<const std::int32_t> zero_points, int least, int most) {
  static const kernels::QuantizeGroups kernel = kernels::quantize_kernels(selected_isa()).groups_to_s16;
  kernel({.scales = scales.data(), .zero_points = zero_points.data(), .group = group, .lowest = least, .highest = most}, numbers.data(),
         codes.data(), numbers.size());
}

FoundPlaces find_places(std::span<const float> numbers, std::int32_t bins, float per_width, bool pass_over_zeros,
                        std::span<std::int32_t> places) {
  static const kernels::PlaceKernels& kernels = kernels::place_kernels(selected_isa());
  kernels::Range range;
  const kernels::FindPlaces find = pass_over_zeros ? kernels.of_nonzero : kernels.of_all;
  const std::size_t count = find({.count = bins, .per_width = per_width}, numbers.data(), numbers.size(), places.data(), range);
  return {.count = count, .range = {.lowest = range.lowest, .highest = range.highest, .not_finite = range.non_finite}};
}

}  // namespace titrate::engine::ops
