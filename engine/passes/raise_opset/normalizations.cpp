// BatchNormalization lost its non-spatial form and its extra outputs; GroupNormalization came to scale channels instead of groups.
#include <array>
#include <cstring>

#include "engine/base/text.hpp"
#include "engine/passes/raise_opset/table.hpp"

namespace titrate::engine::raise {
namespace {

ValueId flattened(Site& site, std::size_t input, std::string_view role) {
  if (!site.node().has_input(input)) site.refuse(cat("its input ", input, " is missing"));
  if (const Tensor* constant = site.value(input)) return site.constant(role, constant->reshaped({constant->elements()}));
  const ValueId all = site.constant(cat(role, "_shape"), std::vector<std::int64_t>{-1});
  return site.before("Reshape", role, {site.node().inputs[input], all});
}

// 9: spatial = 0 (one statistic for each activation instead of each channel) went: [N,C,D...] is normalized as [N,C*D...] instead.
void spatial(Site& site) {
  Node& node = site.node();
  const bool per_channel = node.integer("spatial", 1) != 0;
  node.remove("spatial");
  if (per_channel) return;
  constexpr std::array<std::string_view, 5> roles = {"", "scale", "bias", "mean", "variance"};
  const ValueId data = node.inputs.at(0);
  for (std::size_t input = 1; input < roles.size(); ++input) node.inputs.at(input) = flattened(site, input, roles[input]);
  const ValueId shape = site.before("Shape", "shape", {data});
  node.inputs[0] = site.before("Flatten", "flattened", {data}, {attribute("axis", std::int64_t{1})});
  site.behind("Reshape", "normalized", 0, {shape});
}

// 14: mean, variance and their saved copies went; they were filled in training alone.
void outputs(Site& site) {
  Node& node = site.node();
  for (std::size_t output = 1; output < node.outputs.size(); ++output) {
    if (site.reads_output(output)) site.refuse("its statistics are read: it is in training mode");
  }
  node.outputs.resize(1);
}

// Every element `times` times in a row.
Tensor repeated(const Tensor& tensor, std::int64_t times) {
  const std::size_t width = static_cast<std::size_t>(bits_of(tensor.type())) / 8;
  Tensor result = Tensor::uninitialized(tensor.type(), {tensor.elements() * times});
  std::byte* target = result.mutable_bytes().data();
  for (std::int64_t element = 0; element < tensor.elements(); ++element) {
    for (std::int64_t time = 0; time < times; ++time, target += width) {
      std::memcpy(target, tensor.bytes().data() + static_cast<std::size_t>(element) * width, width);
    }
  }
  return result;
}

ValueId per_channel(Site& site, std::size_t input, std::string_view role, std::int64_t groups, std::int64_t channels) {
  const Tensor* constant = site.value(input);
  if (constant != nullptr && constant->elements() == groups) return site.constant(role, repeated(*constant, channels / groups));
  if (constant != nullptr) site.refuse(cat("its ", role, " has ", constant->elements(), " elements for ", groups, " groups"));
  const ValueId column =
      site.before("Reshape", cat(role, "_column"),
                  {site.node().inputs[input], site.constant(cat(role, "_column_shape"), std::vector{groups, std::int64_t{1}})});
  const ValueId table = site.before("Expand", cat(role, "_table"),
                                    {column, site.constant(cat(role, "_table_shape"), std::vector{groups, channels / groups})});
  return site.before("Reshape", role, {table, site.constant(cat(role, "_shape"), std::vector<std::int64_t>{-1})});
}

// 21: scale and bias hold one number for each channel, before for each group.
void group_scales(Site& site) {
  Node& node = site.node();
  const std::int64_t groups = node.integer("num_groups", 0);
  const std::optional<Shape> shape = site.shape(0);
  if (!shape || shape->size() < 2 || (*shape)[1] < 0) site.refuse("the number of its channels is unknown");
  const std::int64_t channels = (*shape)[1];
  if (groups < 1 || channels % groups != 0) site.refuse(cat(channels, " channels do not divide into ", groups, " groups"));
  if (!node.has_input(1) || !node.has_input(2)) site.refuse("scale or bias is missing");
  node.inputs[1] = per_channel(site, 1, "scale", groups, channels);
  node.inputs[2] = per_channel(site, 2, "bias", groups, channels);
}

constexpr Change rows[] = {
    {"BatchNormalization", 9, spatial},
    {"BatchNormalization", 14, outputs},
    {"GroupNormalization", 21, group_scales},
};

}  // namespace

Changes normalizations() { return rows; }

}  // namespace titrate::engine::raise
