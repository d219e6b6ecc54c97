// Resize and its forerunner Upsample: nearest neighbours through axis maps, linear and cubic one axis after the other.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/kernels/threads.hpp"
#include "engine/ops/convert.hpp"
#include "engine/ops/indices.hpp"
#include "engine/ops/resize_axis.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

constexpr std::pair<std::string_view, Coordinates> coordinate_names[] = {
    {"half_pixel", Coordinates::half_pixel},
    {"half_pixel_symmetric", Coordinates::half_pixel_symmetric},
    {"pytorch_half_pixel", Coordinates::pytorch_half_pixel},
    {"align_corners", Coordinates::align_corners},
    {"asymmetric", Coordinates::asymmetric},
    {"tf_half_pixel_for_nn", Coordinates::tf_half_pixel_for_nn},
    {"tf_crop_and_resize", Coordinates::tf_crop_and_resize},
};

constexpr std::pair<std::string_view, NearestMode> nearest_names[] = {
    {"round_prefer_floor", NearestMode::round_prefer_floor},
    {"round_prefer_ceil", NearestMode::round_prefer_ceil},
    {"floor", NearestMode::floor},
    {"ceil", NearestMode::ceil},
};

// The named value; throws Error(invalid) for a name that no row has.
template <class Rows>
auto named(const Node& node, std::string_view attribute, std::string_view absent, const Rows& rows) {
  const std::string wanted = node.text(attribute, absent);
  const auto row = std::find_if(std::begin(rows), std::end(rows), [&](const auto& one) { return one.first == wanted; });
  if (row == std::end(rows))
    throw_invalid(cat("attribute '", attribute, "' is '", visible(wanted), "', which does not exist"), node.described());
  return row->second;
}

// Where each version of the operator keeps its parts.
struct Layout {
  std::size_t roi = 0;  ///< 0: it has none
  std::size_t scales = 1;
  std::size_t sizes = 0;  ///< 0: it has none
};

Layout layout_of(const Node& node, std::int64_t opset) {
  if (node.type == "Upsample" || opset < 11) return {};
  return {.roi = 1, .scales = 2, .sizes = 3};
}

struct Request {
  std::string mode;  ///< nearest, linear or cubic
  ResizeSettings settings;
  float extrapolation = 0.0F;
  std::string policy;  ///< stretch, not_larger, not_smaller
  std::vector<std::int64_t> axes;
  bool names_axes = false;
  std::vector<float> scales_attribute;  ///< Upsample before opset 9
  Layout layout;
};

Request read_request(const Node& node, std::int64_t opset) {
  Request request{.mode = node.text("mode", "nearest"),
                  .settings = {},
                  .policy = node.text("keep_aspect_ratio_policy", "stretch"),
                  .axes = node.integers("axes"),
                  .names_axes = node.find("axes") != nullptr,
                  .scales_attribute = node.numbers("scales"),
                  .layout = layout_of(node, opset)};
  if (request.mode == "bilinear") request.mode = "linear";
  if (request.mode != "nearest" && request.mode != "linear" && request.mode != "cubic") {
    throw_invalid(cat("attribute 'mode' is '", visible(request.mode), "', which does not exist"), node.described());
  }
  if (request.policy != "stretch" && request.policy != "not_larger" && request.policy != "not_smaller") {
    throw_invalid(cat("attribute 'keep_aspect_ratio_policy' is '", visible(request.policy), "', which does not exist"), node.described());
  }
  // Before opset 11 there was one way only.
  const bool old = request.layout.sizes == 0;
  request.settings.coordinates =
      old ? Coordinates::asymmetric : named(node, "coordinate_transformation_mode", "half_pixel", coordinate_names);
  request.settings.nearest = old ? NearestMode::outward : named(node, "nearest_mode", "round_prefer_floor", nearest_names);
  request.settings.cubic = request.mode == "cubic";
  request.settings.cubic_coefficient = node.number("cubic_coeff_a", -0.75F);
  request.settings.exclude_outside = node.integer("exclude_outside", 0) != 0;
  request.settings.antialias = node.integer("antialias", 0) != 0;
  request.extrapolation = node.number("extrapolation_value", 0.0F);
  return request;
}

std::vector<float> floats_of(const Tensor& tensor) {
  const Tensor floats = converted(tensor, DataType::float32);
  return {floats.data<float>().begin(), floats.data<float>().end()};
}

// What decides the target's shape; null or empty: not given. All known.
struct Target {
  std::vector<float> roi;
  std::vector<float> scales;
  std::vector<std::int64_t> sizes;
};

void check_scale(float scale) {
  if (!(scale > 0.0F) || std::isinf(scale))
    throw_invalid(cat("a scale is ", shortest(static_cast<double>(scale)), ", not a positive number"));
}

std::int64_t target_size(double size) {
  if (!(size < 0x1p47)) throw_invalid("the resized shape has more elements than any memory");
  return static_cast<std::int64_t>(size);
}

// Sizes under a policy other than stretch share the scale that just fits (not_larger) or just covers (not_smaller) what is asked for.
void keep_aspect_ratio(const Request& request, const Target& target, std::span<const std::size_t> axes, std::vector<ResizeAxis>& result) {
  float shared = 0.0F;
  for (std::size_t index = 0; index < axes.size(); ++index) {
    const float scale = static_cast<float>(target.sizes[index]) / static_cast<float>(result[axes[index]].source);
    const bool better = request.policy == "not_larger" ? scale < shared : scale > shared;
    if (index == 0 || better) shared = scale;
  }
  check_scale(shared);
  for (const std::size_t axis : axes) {
    result[axis].scale = shared;
    result[axis].target = target_size(std::floor(static_cast<double>(shared * static_cast<float>(result[axis].source)) + 0.5));
  }
}

std::vector<ResizeAxis> resize_axes(const Request& request, const Shape& shape, std::span<const std::size_t> axes, const Target& target) {
  std::vector<ResizeAxis> result;
  for (const std::int64_t size : shape) result.push_back({.source = size, .target = size});
  const std::size_t given = target.sizes.empty() ? target.scales.size() : target.sizes.size();
  if (given != axes.size()) throw_invalid(cat(given, " scales or sizes are given for ", axes.size(), " axes"));
  for (std::size_t index = 0; index < axes.size(); ++index) {
    ResizeAxis& axis = result[axes[index]];
    if (target.roi.size() == 2 * axes.size()) {
      axis.roi_start = target.roi[index];
      axis.roi_end = target.roi[index + axes.size()];
    }
    if (!target.sizes.empty()) {
      if (target.sizes[index] < 0) throw_invalid("a size is negative");
      axis.target = target.sizes[index];
      axis.scale = static_cast<float>(axis.target) / static_cast<float>(axis.source);
    } else {
      check_scale(target.scales[index]);
      axis.scale = target.scales[index];
      // The region of tf_crop_and_resize is scaled, not the whole.
      const bool crops = request.settings.coordinates == Coordinates::tf_crop_and_resize;
      const float part = crops ? axis.roi_end - axis.roi_start : 1.0F;
      axis.target = target_size(std::max(0.0, std::floor(static_cast<double>(static_cast<float>(axis.source) * part * axis.scale))));
    }
    if (axis.source == 0 && axis.target > 0) throw_invalid("an empty axis cannot be resized");
  }
  if (!target.sizes.empty() && request.policy != "stretch" && !axes.empty()) keep_aspect_ratio(request, target, axes, result);
  return result;
}

// The target from the elements of inputs, or none while one is unknown. `element(index)` gives a tensor or null.
template <class Present, class Element>
std::optional<Target> read_target(const Request& request, const Present& present, const Element& element) {
  Target target;
  const Layout& layout = request.layout;
  if (!request.scales_attribute.empty()) {
    target.scales = request.scales_attribute;
    return target;
  }
  for (const std::size_t index : {layout.roi, layout.scales, layout.sizes}) {
    if (index == 0 || !present(index)) continue;
    const Tensor* tensor = element(index);
    if (tensor == nullptr) return std::nullopt;
    if (index == layout.sizes)
      target.sizes = to_integers(*tensor);
    else
      (index == layout.scales ? target.scales : target.roi) = floats_of(*tensor);
  }
  return target;
}

std::vector<OutputType> infer_resize(const InferRequest& request) {
  const Request read = read_request(request.node, request.opset);
  check_type(request, 0, read.mode == "nearest" ? movable_types : number_types);
  const Shape* shape = request.shape(0);
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  const auto target = read_target(
      read, [&](std::size_t index) { return request.has(index); }, [&](std::size_t index) { return request.inputs[index].value; });
  if (shape == nullptr) return {output};
  std::vector<std::size_t> axes(shape->size());
  std::iota(axes.begin(), axes.end(), std::size_t{0});
  if (read.names_axes) axes = axis_list(request, read.axes, shape->size());
  output.shape = *shape;
  for (const std::size_t axis : axes) (*output.shape)[axis] = -1;
  if (!target) return {output};
  // Unknown sizes are computed as 1 and then forgotten again; a policy mixes all axes.
  Shape known = *shape;
  for (std::int64_t& size : known) size = size < 0 ? 1 : size;
  const std::vector<ResizeAxis> resized = resize_axes(read, known, axes, *target);
  const bool mixes = !target->sizes.empty() && read.policy != "stretch";
  for (const std::size_t axis : axes) {
    const bool depends = mixes ? !all_known(*shape) : target->sizes.empty() && (*shape)[axis] < 0;
    if (!depends) (*output.shape)[axis] = resized[axis].target;
  }
  return {output};
}

// source [outer, n, inner] to target [outer, m, inner]; threads share the lines.
void resize_along(const float* source, std::int64_t outer, std::int64_t size, std::int64_t inner, const ResizeTaps& taps,
                  std::int64_t target_size, float* target) {
  kernels::parallel_for(static_cast<std::size_t>(outer), [&](std::size_t index_of_line, std::size_t) {
    const auto line = static_cast<std::int64_t>(index_of_line);
    for (std::int64_t at = 0; at < target_size; ++at) {
      float* out = target + (line * target_size + at) * inner;
      std::fill_n(out, inner, 0.0F);
      for (std::int64_t tap = 0; tap < taps.taps; ++tap) {
        const auto entry = static_cast<std::size_t>(at * taps.taps + tap);
        const float weight = taps.weights[entry];
        if (weight == 0.0F) continue;
        const float* in = source + (line * size + taps.positions[entry]) * inner;
        for (std::int64_t index = 0; index < inner; ++index) out[index] += weight * in[index];
      }
    }
  });
}

// tf_crop_and_resize: what lies outside the source along any axis is the extrapolation value.
void extrapolate(const Request& request, const std::vector<ResizeAxis>& axes, const Shape& shape, std::span<float> target) {
  const std::vector<std::int64_t> strides = strides_of(shape);
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    if (axes[axis].source == axes[axis].target && axes[axis].roi_start == 0.0F && axes[axis].roi_end == 1.0F) continue;
    for (std::int64_t at = 0; at < axes[axis].target; ++at) {
      if (!is_outside(axes[axis], at)) continue;
      for (std::int64_t start = at * strides[axis]; start < static_cast<std::int64_t>(target.size());
           start += axes[axis].target * strides[axis]) {
        std::fill_n(target.begin() + start, strides[axis], request.extrapolation);
      }
    }
  }
}

void interpolate(const Request& request, const std::vector<ResizeAxis>& axes, const Tensor& source, Tensor& target) {
  Shape shape = source.shape();
  Tensor current = converted(source, DataType::float32);
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    const bool crops = request.settings.coordinates == Coordinates::tf_crop_and_resize;
    const bool whole = !crops || (axes[axis].roi_start == 0.0F && axes[axis].roi_end == 1.0F);
    if (axes[axis].source == axes[axis].target && whole && axes[axis].scale == 1.0F) continue;
    const ResizeTaps taps = resize_taps(axes[axis], request.settings);
    const std::int64_t outer = size_between(shape, 0, axis), inner = size_between(shape, axis + 1, shape.size());
    shape[axis] = axes[axis].target;
    Tensor next = Tensor::uninitialized(DataType::float32, shape);
    resize_along(current.data<float>().data(), outer, axes[axis].source, inner, taps, axes[axis].target, next.mutable_data<float>().data());
    current = std::move(next);
  }
  if (request.settings.coordinates == Coordinates::tf_crop_and_resize) {
    Tensor filled = Tensor::uninitialized(DataType::float32, shape);
    copy_elements(current, filled);
    extrapolate(request, axes, shape, filled.mutable_data<float>());
    current = std::move(filled);
  }
  convert(current, target);
}

void take_nearest(const Request& request, const std::vector<ResizeAxis>& axes, const Tensor& source, Tensor& target) {
  std::vector<AxisMap> maps;
  maps.reserve(axes.size());
  for (const ResizeAxis& axis : axes) maps.push_back(nearest_map(axis, request.settings));
  const Tensor fill =
      source.type() == DataType::string ? Tensor::of_strings({}, {""}) : converted(Tensor::scalar(request.extrapolation), source.type());
  const Tensor* const sources[] = {&source, &fill};
  with_words(sources, target, source.type(),
             [&](const auto& from, const auto& to) { AxisMapCopy(from[0].data(), source.shape(), maps, from[1][0]).to(to.data()); });
}

Step prepare_resize(const PrepareRequest& prepare) {
  return [request = read_request(prepare.node, prepare.opset)](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Tensor& source = run.in(0);
    const auto target = read_target(
        request, [&](std::size_t index) { return run.has(index); }, [&](std::size_t index) { return &run.in(index); });
    std::vector<std::size_t> axes;
    for (std::int64_t axis = 0; axis < (request.names_axes ? static_cast<std::int64_t>(request.axes.size()) : source.rank()); ++axis) {
      axes.push_back(request.names_axes ? step_axis(request.axes[static_cast<std::size_t>(axis)], source.rank())
                                        : static_cast<std::size_t>(axis));
    }
    const std::vector<ResizeAxis> resized = resize_axes(request, source.shape(), axes, *target);
    if (request.mode == "nearest")
      take_nearest(request, resized, source, run.out());
    else
      interpolate(request, resized, source, run.out());
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "Upsample", .first_opset = 7, .last_opset = 8, .infer = infer_resize, .prepare = prepare_resize},
    {.type = "Upsample",
     .first_opset = 9,
     .last_opset = 9,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = infer_resize,
     .prepare = prepare_resize,
     .shape_inputs = 0b10},
    {.type = "Resize",
     .first_opset = 10,
     .last_opset = 10,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = infer_resize,
     .prepare = prepare_resize,
     .shape_inputs = 0b10},
    {.type = "Resize", .first_opset = 11, .most_inputs = 4, .infer = infer_resize, .prepare = prepare_resize, .shape_inputs = 0b1110},
};

}  // namespace

Family resize() { return rows; }

}  // namespace titrate::engine::ops
