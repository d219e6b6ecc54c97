#include "engine/ops/indices.hpp"

#include <functional>
#include <numeric>

#include "engine/ops/strided_loops.hpp"

namespace titrate::engine::ops {
namespace {

std::int64_t checked_index(std::int64_t index, std::int64_t size) {
  if (index < -size || index >= size) throw_invalid(cat("index ", index, " is outside an axis of size ", size));
  return index < 0 ? index + size : index;
}

}  // namespace

std::int64_t size_between(const Shape& shape, std::size_t begin, std::size_t end) {
  return std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(begin), shape.begin() + static_cast<std::ptrdiff_t>(end),
                         std::int64_t{1}, std::multiplies<>());
}

std::vector<std::int64_t> checked_indices(const Tensor& indices, std::int64_t size) {
  std::vector<std::int64_t> checked = to_integers(indices);
  for (std::int64_t& index : checked) index = checked_index(index, size);
  return checked;
}

std::vector<std::int64_t> element_places(const Shape& data, const Tensor& indices, std::size_t axis) {
  std::vector<std::int64_t> places = checked_indices(indices, data[axis]);
  std::vector<std::int64_t> strides = strides_of(data);
  const std::int64_t along = strides[axis];
  strides[axis] = 0;
  const StridedLoops loops(indices.shape(), {strides_of(indices.shape()), strides});
  for_each_row(loops, [&](std::span<const std::int64_t> at) {
    for (std::int64_t step = 0; step < loops.inner_size(); ++step) {
      std::int64_t& place = places[static_cast<std::size_t>(at[0] + step * loops.inner_stride(0))];
      place = place * along + at[1] + step * loops.inner_stride(1);
    }
  });
  return places;
}

std::vector<std::int64_t> tuple_places(const Shape& data, const Tensor& indices, std::size_t batch) {
  const std::vector<std::int64_t> numbers = to_integers(indices);
  const std::vector<std::int64_t> strides = strides_of(data);
  const auto length = static_cast<std::size_t>(indices.shape().back());
  const Shape& shape = indices.shape();
  const std::int64_t tuples = size_between(shape, 0, shape.size() - 1);
  const std::int64_t per_batch = size_between(shape, batch, shape.size() - 1);
  const std::int64_t batch_stride = size_between(data, batch, data.size());
  std::vector<std::int64_t> places(static_cast<std::size_t>(tuples));
  for (std::size_t tuple = 0; tuple < places.size(); ++tuple) {
    places[tuple] = static_cast<std::int64_t>(tuple) / per_batch * batch_stride;
    for (std::size_t axis = 0; axis < length; ++axis) {
      places[tuple] += checked_index(numbers[tuple * length + axis], data[batch + axis]) * strides[batch + axis];
    }
  }
  return places;
}

void check_inside(const InferRequest& request, const Shape& indices, const Shape& data, std::size_t axis) {
  if (indices.size() != data.size()) request.refuse(cat("the indices have ", indices.size(), " axes, the data ", data.size()));
  for (std::size_t at = 0; at < data.size(); ++at) {
    if (at != axis && data[at] >= 0 && indices[at] > data[at]) request.refuse(cat("the indices are larger than the data at axis ", at));
  }
}

}  // namespace titrate::engine::ops
