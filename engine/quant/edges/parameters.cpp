#include "engine/quant/edges/parameters.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/edges/edge_plan.hpp"
#include "engine/quant/edges/edge_text.hpp"

namespace titrate {

std::string edge_text(const Edge& edge) {
  return cat(edge.side == Edge::Side::input ? "input " : "output ", edge.index, " of '", visible(edge.node), "'");
}

QuantizationParameters product_of_scales(std::span<const QuantizationParameters> factors) {
  QuantizationParameters product{.scales = {1}, .zero_points = {}};
  for (const QuantizationParameters& factor : factors) {
    if (product.scales.size() == 1) product.scales.resize(factor.scales.size(), product.scales[0]);
    if (factor.scales.size() != 1 && factor.scales.size() != product.scales.size())
      throw_usage(cat(product.scales.size(), " scales cannot be multiplied with ", factor.scales.size()), "product_of_scales()");
    for (std::size_t index = 0; index < product.scales.size(); ++index)
      product.scales[index] *= factor.scales[factor.scales.size() == 1 ? 0 : index];
  }
  // The product of two tiny scales may vanish, with numbers that are smaller still.
  std::ranges::replace_if(
      product.scales, [](float scale) { return !(scale > 0); }, 1.0F);
  product.zero_points.assign(product.scales.size(), 0);
  return product;
}

}  // namespace titrate

namespace titrate::engine {

DataType stored_type_of(CodeType type) {
  switch (type) {
    case CodeType::uint4:
      return DataType::uint4;
    case CodeType::int4:
      return DataType::int4;
    case CodeType::uint8:
      return DataType::uint8;
    case CodeType::int8:
      return DataType::int8;
    case CodeType::uint16:
      return DataType::uint16;
    case CodeType::int16:
      return DataType::int16;
    case CodeType::int32:
      break;
  }
  return DataType::int32;
}

IntegerRange whole_range(CodeType type) {
  if (type == CodeType::int32) return {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
  const DataType stored = stored_type_of(type);
  return is_signed_integer(stored) ? signed_range(bits_of(stored)) : unsigned_range(bits_of(stored));
}

IntegerRange range_of(const PlainSpec& spec) {
  if (spec.codes) return {spec.codes->first, spec.codes->second};
  const DataType stored = stored_type_of(spec.type);
  return spec.symmetric && is_signed_integer(stored) ? narrow_range(bits_of(stored)) : whole_range(spec.type);
}

CalibratorKind calibrator_named(const std::string& name) {
  const auto rows = calibrators();
  const auto found = std::ranges::find(rows, name, &CalibratorRow::name);
  if (found != rows.end()) return found->kind;
  std::vector<std::string> names;
  for (const CalibratorRow& row : rows) names.emplace_back(row.name);
  throw_usage(cat("there is no calibrator '", visible(name), "'"), "PlainSpec", cat("there are ", join(names, ", ")));
}

std::string refusal_of(const PlainSpec& spec, const Shape* constant) {
  if (spec.type == CodeType::int32) return "int32 codes have no range of their own: fix or derive their parameters";
  (void)calibrator_named(spec.calibrator);
  if (spec.block_size < 0 || (spec.block_size > 0 && !spec.axis)) return "blocks run along an axis";
  if (spec.least && spec.largest && !(*spec.least < *spec.largest)) return "no number is between its bounds";
  const IntegerRange whole = whole_range(spec.type);
  const IntegerRange range = range_of(spec);
  if (range.least >= range.most || range.least < whole.least || range.most > whole.most)
    return cat("codes from ", range.least, " to ", range.most, " are not ", name_of(stored_type_of(spec.type)));
  if (constant == nullptr) return spec.axis ? "an activation has one scale: axis is for constants" : "";
  if (!spec.axis) return {};
  const auto rank = static_cast<std::int64_t>(constant->size());
  if (*spec.axis < -rank || *spec.axis >= rank) return cat("the shape ", to_text(*constant), " has no axis ", *spec.axis);
  return {};
}

ScaleIndex::ScaleIndex(const Shape& shape, std::optional<std::int64_t> axis, std::int64_t block_size) : by_axis_(axis.has_value()) {
  if (!by_axis_) return;
  const auto rank = static_cast<std::int64_t>(shape.size());
  const auto place = static_cast<std::size_t>(*axis < 0 ? *axis + rank : *axis);
  size_ = static_cast<std::size_t>(shape[place]);
  for (std::size_t later = place + 1; later < shape.size(); ++later) inner_ *= static_cast<std::size_t>(shape[later]);
  count_ = size_;
  shape_ = {shape[place]};
  if (block_size == 0) return;
  block_ = static_cast<std::size_t>(block_size);
  blocks_ = (size_ + block_ - 1) / block_;
  shape_ = shape;
  shape_[place] = static_cast<std::int64_t>(blocks_);
  count_ = 1;
  for (const std::int64_t size : shape_) count_ *= static_cast<std::size_t>(size);
}

std::vector<ValueRange> ranges_of_constant(const Tensor& constant, const std::string& name, const PlainSpec& spec) {
  const ScaleIndex scale_of(constant.shape(), spec.axis, spec.block_size);
  std::vector<ValueRange> ranges(scale_of.count());
  const auto numbers = constant.data<float>();
  for (std::size_t index = 0; index < numbers.size(); ++index) {
    if (!std::isfinite(numbers[index]))
      throw_invalid(cat("the constant '", visible(name), "' holds NaN or infinity"), {}, "export the model again");
    ValueRange& range = ranges[scale_of(index)];
    range = {std::min(range.low, numbers[index]), std::max(range.high, numbers[index])};
  }
  return ranges;
}

AffineParameters parameters_of(ValueRange range, const PlainSpec& spec) {
  if (spec.least) range.low = std::max(range.low, std::min(*spec.least, 0.0F));
  if (spec.largest) range.high = std::min(range.high, std::max(*spec.largest, 0.0F));
  const IntegerRange codes = range_of(spec);
  if (!spec.symmetric) return asymmetric_parameters(range.low, range.high, codes);
  const float largest = std::max(-range.low, range.high);
  if (codes.least < 0) return symmetric_parameters(largest, std::min(-codes.least, codes.most));
  // Unsigned: as many codes above the middle as above 0 of the signed type.
  const int middle = (codes.least + codes.most + 1) / 2;
  AffineParameters parameters = symmetric_parameters(largest, codes.most - middle);
  parameters.zero_point = middle;
  return parameters;
}

}  // namespace titrate::engine
