// Pad in all its modes, and CenterCropPad: what stands around a tensor is added or cut away.
#include <algorithm>
#include <numeric>

#include "engine/ops/axis_map.hpp"
#include "engine/ops/convert.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

enum class PadMode : std::uint8_t { constant, reflect, edge, wrap };

std::optional<PadMode> pad_mode(const Node& node) {
  const std::string mode = node.text("mode", "constant");
  if (mode == "constant") return PadMode::constant;
  if (mode == "reflect") return PadMode::reflect;
  if (mode == "edge") return PadMode::edge;
  if (mode == "wrap") return PadMode::wrap;
  return std::nullopt;
}

// Elements to add before and after an axis; negative: to cut away.
struct Pads {
  std::int64_t before = 0;
  std::int64_t after = 0;
};

IntegerList pads_list(const InferRequest& request) {
  if (request.opset < 2) return integer_list(request, "paddings", 1, 11);
  return integer_list(request, "pads", 1, 11);
}

// The pads of every axis, from "all befores, then all afters" of the named axes.
std::vector<Pads> pads_by_axis(std::span<const std::int64_t> pads, std::span<const std::size_t> axes, std::size_t rank) {
  std::vector<Pads> result(rank);
  for (std::size_t index = 0; index < axes.size(); ++index) result[axes[index]] = {pads[index], pads[index + axes.size()]};
  return result;
}

// The size of a padded axis; refuses pads that leave less than nothing or have nothing to repeat.
std::int64_t padded_size(const InferRequest& request, std::int64_t size, Pads pads, PadMode mode) {
  if (size < 0) return -1;
  const std::int64_t padded = add_sizes(request, add_sizes(request, size, pads.before), pads.after);
  if (padded < 0) request.refuse(cat("the pads ", pads.before, " and ", pads.after, " cut more than the size ", size));
  const bool adds = pads.before > 0 || pads.after > 0;
  if (mode != PadMode::constant && adds && size == 0) request.refuse("an empty axis has nothing to repeat");
  return padded;
}

std::vector<OutputType> infer_pad(const InferRequest& request) {
  check_type(request, 0, movable_types);
  const std::size_t value_inputs[] = {0, 2};
  if (request.opset >= 11) (void)common_type(request, value_inputs);
  const auto mode = pad_mode(request.node);
  if (!mode) request.refuse("attribute 'mode' must be constant, reflect, edge or wrap");
  const IntegerList pads = pads_list(request);
  const IntegerList axes = request.opset < 18 ? IntegerList{} : integer_list(request, "", 3, 18);
  const Shape* shape = request.shape(0);
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (!pads.given) request.refuse("the pads are missing");
  if (shape == nullptr) return {output};
  output.shape = unknown_sizes(shape->size());
  if (!pads.known || !axes.known) return {output};
  std::vector<std::size_t> padded(shape->size());
  std::iota(padded.begin(), padded.end(), std::size_t{0});
  if (axes.given) padded = axis_list(request, axes.numbers, shape->size());
  if (pads.numbers.size() != 2 * padded.size()) request.refuse(cat(pads.numbers.size(), " pads are given for ", padded.size(), " axes"));
  const std::vector<Pads> by_axis = pads_by_axis(pads.numbers, padded, shape->size());
  for (std::size_t axis = 0; axis < shape->size(); ++axis) {
    (*output.shape)[axis] = padded_size(request, (*shape)[axis], by_axis[axis], *mode);
  }
  return {output};
}

// Where position `at` of the endlessly continued axis comes from.
std::int64_t continued(std::int64_t at, std::int64_t size, PadMode mode) {
  if (at >= 0 && at < size) return at;
  switch (mode) {
    case PadMode::constant:
      return -1;
    case PadMode::edge:
      return at < 0 ? 0 : size - 1;
    case PadMode::wrap:
      return (at % size + size) % size;
    case PadMode::reflect: {
      // The mirror stands on the first and the last element, so the pattern repeats after 2 (size - 1).
      const std::int64_t period = std::max<std::int64_t>(2 * (size - 1), 1);
      const std::int64_t phase = (at % period + period) % period;
      return std::min(phase, period - phase) % size;
    }
  }
  return -1;
}

std::vector<AxisMap> pad_maps(const Shape& shape, const std::vector<Pads>& pads, PadMode mode) {
  std::vector<AxisMap> maps;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    AxisMap map(static_cast<std::size_t>(shape[axis] + pads[axis].before + pads[axis].after));
    for (std::size_t at = 0; at < map.size(); ++at)
      map[at] = continued(static_cast<std::int64_t>(at) - pads[axis].before, shape[axis], mode);
    maps.push_back(std::move(map));
  }
  return maps;
}

void copy_by_maps(const Tensor& source, std::span<const AxisMap> maps, const Tensor& fill, Tensor& target) {
  const Tensor* const sources[] = {&source, &fill};
  const Shape shape = source.shape();
  with_words(sources, target, source.type(),
             [&](const auto& from, const auto& to) { AxisMapCopy(from[0].data(), shape, maps, from[1][0]).to(to.data()); });
}

Tensor zero_of(DataType type) { return type == DataType::string ? Tensor::of_strings({}, {""}) : Tensor::zeros(type, {}); }

void pad(RunContext& run, const std::vector<std::int64_t>& pads, const std::vector<std::int64_t>* axes, const Tensor& fill, PadMode mode) {
  if (run.out().elements() == 0) return;  // its other axes may be of any size
  const Shape& shape = run.in(0).shape();
  std::vector<std::size_t> padded(axes == nullptr ? shape.size() : axes->size());
  for (std::size_t index = 0; index < padded.size(); ++index) {
    padded[index] = axes == nullptr ? index : step_axis((*axes)[index], run.in(0).rank());
  }
  const std::vector<AxisMap> maps = pad_maps(shape, pads_by_axis(pads, padded, shape.size()), mode);
  copy_by_maps(run.in(0), maps, fill, run.out());
}

Step prepare_pad_attributes(const PrepareRequest& request) {
  const std::vector<std::int64_t> pads = request.node.integers(request.opset < 2 ? "paddings" : "pads");
  const PadMode mode = pad_mode(request.node).value_or(PadMode::constant);
  return [pads, mode, value = request.node.number("value", 0.0F)](RunContext& run) {
    const Tensor fill =
        run.in(0).type() == DataType::string ? zero_of(DataType::string) : converted(Tensor::scalar(value), run.in(0).type());
    pad(run, pads, nullptr, fill, mode);
  };
}

Step prepare_pad(const PrepareRequest& request) {
  return [mode = pad_mode(request.node).value_or(PadMode::constant)](RunContext& run) {
    const bool names_axes = run.has(3);
    const std::vector<std::int64_t> axes = names_axes ? to_integers(run.in(3)) : std::vector<std::int64_t>{};
    const bool filled = run.has(2) && run.in(2).elements() > 0;
    pad(run, to_integers(run.in(1)), names_axes ? &axes : nullptr, filled ? run.in(2) : zero_of(run.in(0).type()), mode);
  };
}

std::vector<OutputType> infer_center_crop_pad(const InferRequest& request) {
  check_type(request, 0, movable_types);
  check_type(request, 1, index_types);
  const Shape* shape = request.shape(0);
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (shape == nullptr) return {output};
  output.shape = *shape;
  std::vector<std::size_t> axes(shape->size());
  std::iota(axes.begin(), axes.end(), std::size_t{0});
  if (request.node.find("axes") != nullptr) axes = axis_list(request, request.node.integers("axes"), shape->size());
  const auto sizes = request.integers(1);
  if (sizes && sizes->size() != axes.size()) request.refuse(cat(sizes->size(), " sizes are given for ", axes.size(), " axes"));
  for (std::size_t index = 0; index < axes.size(); ++index) {
    if (sizes && (*sizes)[index] < 0) request.refuse("a size is negative");
    (*output.shape)[axes[index]] = sizes ? (*sizes)[index] : -1;
  }
  return {output};
}

Step prepare_center_crop_pad(const PrepareRequest&) {
  return [](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Shape& shape = run.in(0).shape();
    std::vector<AxisMap> maps;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const std::int64_t target = run.out().shape()[axis];
      // An odd rest: one more is cut at the end, one more is added at the end.
      const std::int64_t first = target < shape[axis] ? (shape[axis] - target) / 2 : -((target - shape[axis]) / 2);
      AxisMap map(static_cast<std::size_t>(target));
      for (std::size_t at = 0; at < map.size(); ++at) {
        map[at] = continued(static_cast<std::int64_t>(at) + first, shape[axis], PadMode::constant);
      }
      maps.push_back(std::move(map));
    }
    copy_by_maps(run.in(0), maps, zero_of(run.in(0).type()), run.out());
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "Pad", .last_opset = 10, .infer = infer_pad, .prepare = prepare_pad_attributes},
    {.type = "Pad",
     .first_opset = 11,
     .least_inputs = 2,
     .most_inputs = 4,
     .infer = infer_pad,
     .prepare = prepare_pad,
     .shape_inputs = 0b1010},
    {.type = "CenterCropPad",
     .first_opset = 18,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = infer_center_crop_pad,
     .prepare = prepare_center_crop_pad,
     .shape_inputs = 0b10},
};

}  // namespace

Family pad() { return rows; }

}  // namespace titrate::engine::ops
