#include "engine/quant/edges/edge_plan.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/edges/edge_text.hpp"
#include "engine/quant/edges/parameters.hpp"
#include "engine/quant/observers/needed_statistics.hpp"

namespace titrate::engine {
namespace {

std::string place_of(const Annotation& annotation) { return cat("quantizer '", visible(annotation.by), "'"); }

std::string names_of(const std::vector<Edge>& edges, std::string_view between) {
  std::string text;
  for (const Edge& edge : edges) text += cat(text.empty() ? "" : between, edge_text(edge));
  return text;
}

}  // namespace

EdgePlan::EdgePlan(const Graph& graph, const Annotations& annotations) : graph_(graph), uses_(graph) {
  for (std::size_t index = 0; index < graph.nodes.size(); ++index) node_of_.emplace(graph.nodes[index].name, index);
  for (const auto& [edge, annotation] : annotations.all()) locate(edge, annotation);
  for (const Item& item : items_) check_spec(item);
  find_roots();
  order_derived();
}

void EdgePlan::locate(const Edge& edge, const Annotation& annotation) {
  const auto found = node_of_.find(edge.node);
  if (found == node_of_.end()) {
    std::vector<std::string> names;
    for (const Node& node : graph_.nodes) names.push_back(node.name);
    const auto near = nearest(edge.node, names);
    throw_usage(cat("there is no ", edge_text(edge), ": the graph has no such node"), place_of(annotation),
                near ? cat("did you mean '", visible(*near), "'?") : "GraphDescription::nodes() has the names");
  }
  const Node& node = graph_.nodes[found->second];
  const std::vector<ValueId>& values = edge.side == Edge::Side::input ? node.inputs : node.outputs;
  const char* side = edge.side == Edge::Side::input ? "input" : "output";
  const bool there = edge.index < values.size();
  if (!there || values[edge.index] == ValueId::none) {
    // A node that is left float may have inputs that are left out.
    if (there && std::holds_alternative<FloatSpec>(annotation.spec)) return;
    std::string hint = cat("it has no ", side);
    for (std::size_t index = std::min(edge.index, values.size()); index-- > 0;) {
      if (values[index] == ValueId::none) continue;
      hint = cat("the nearest is ", edge_text({edge.node, edge.side, index}));
      break;
    }
    throw_usage(cat("there is no ", edge_text(edge), ": ", node.described(), " has ", values.size(), " ", side, "s",
                    there ? ", of which this one is left out" : ""),
                place_of(annotation), hint);
  }
  item_of_.emplace(edge, items_.size());
  if (edge.side == Edge::Side::output) made_.emplace(values[edge.index], items_.size());
  items_.push_back({.edge = edge, .annotation = &annotation, .node = found->second, .value = values[edge.index], .root = items_.size()});
}

void EdgePlan::check_spec(const Item& item) const {
  if (item.is_float()) return;
  const auto refuse = [&](const std::string& why, const std::string& hint) {
    throw_usage(cat(edge_text(item.edge), " cannot be quantized so: ", why), place_of(*item.annotation), hint);
  };
  const Tensor* constant = graph_.constant(item.value);
  const auto& info = graph_[item.value].info;
  const DataType type = constant != nullptr ? constant->type() : info ? info->type : DataType::float32;
  if (type != DataType::float32) refuse(cat("it holds ", name_of(type)), "only float32 values have codes");
  if (const auto* plain = std::get_if<PlainSpec>(&item.annotation->spec)) {
    if (const std::string why = refusal_of(*plain, constant == nullptr ? nullptr : &constant->shape()); !why.empty())
      refuse(why, "see PlainSpec");
  } else if (const auto* fixed = std::get_if<FixedSpec>(&item.annotation->spec)) {
    if (!(fixed->scale > 0) || !std::isfinite(fixed->scale)) refuse("its scale is not above 0", "see FixedSpec");
    const IntegerRange range = whole_range(fixed->type);
    if (fixed->zero_point < range.least || fixed->zero_point > range.most)
      refuse(cat("the zero point ", fixed->zero_point, " is no code of ", name_of(stored_type_of(fixed->type))), "see FixedSpec");
    if (fixed->type == CodeType::int32 && fixed->zero_point != 0) refuse("int32 codes have the zero point 0", "see FixedSpec");
    if (fixed->type == CodeType::int32 && constant == nullptr) refuse("int32 codes are for constants", "see FixedSpec");
  } else if (const auto* rule = std::get_if<DerivedSpec>(&item.annotation->spec)) {
    if (!rule->derive || rule->from.empty()) refuse("nothing derives its parameters", "see DerivedSpec");
    if (rule->type == CodeType::int32 && constant == nullptr) refuse("int32 codes are for constants", "see DerivedSpec");
  }
}

const EdgePlan::Item* EdgePlan::find(const Edge& edge) const {
  const auto found = item_of_.find(edge);
  return found == item_of_.end() ? nullptr : &items_[found->second];
}

const EdgePlan::Item* EdgePlan::find_made(ValueId value) const {
  const auto found = made_.find(value);
  return found == made_.end() ? nullptr : &items_[found->second];
}

std::size_t EdgePlan::effective(const Edge& edge, const Item& asked_by) const {
  const auto refuse = [&](const std::string& why) {
    const bool shares = std::holds_alternative<SharedSpec>(asked_by.annotation->spec);
    throw_usage(
        cat(edge_text(asked_by.edge), shares ? " shares the parameters of " : " derives its parameters from ", edge_text(edge), ", ", why),
        place_of(*asked_by.annotation), "annotate that one too");
  };
  auto found = item_of_.find(edge);
  if (found == item_of_.end() && edge.side == Edge::Side::input) {
    const auto node = node_of_.find(edge.node);
    const bool there = node != node_of_.end() && graph_.nodes[node->second].has_input(edge.index);
    if (!there) refuse("which does not exist");
    const ValueId value = graph_.nodes[node->second].inputs[edge.index];
    if (const Item* made = find_made(value)) found = item_of_.find(made->edge);
  }
  if (found == item_of_.end()) refuse("which nobody annotated");
  if (items_[found->second].is_float()) refuse("which stays float");
  return found->second;
}

std::size_t EdgePlan::root_of(std::size_t item) const {
  std::vector<Edge> path = {items_[item].edge};
  while (const auto* shared = std::get_if<SharedSpec>(&items_[item].annotation->spec)) {
    item = effective(shared->with, items_[item]);
    const bool circle = std::ranges::find(path, items_[item].edge) != path.end();
    path.push_back(items_[item].edge);
    if (circle)
      throw_usage(cat("parameters are shared in a circle: ", names_of(path, " with ")), place_of(*items_[item].annotation),
                  "one of them must say what they are");
  }
  return item;
}

void EdgePlan::find_roots() {
  for (std::size_t index = 0; index < items_.size(); ++index) items_[index].root = root_of(index);
}

// Depth first; a root on the way to itself is a circle.
void EdgePlan::visit(std::size_t root, std::vector<std::size_t>& path, std::vector<bool>& done) {
  if (done[root]) return;
  const bool circle = std::ranges::find(path, root) != path.end();
  path.push_back(root);
  if (circle) {
    std::vector<Edge> edges;
    for (auto each = std::ranges::find(path, root); each != path.end(); ++each) edges.push_back(items_[*each].edge);
    throw_usage(cat("parameters are derived in a circle: ", names_of(edges, " from ")), place_of(*items_[root].annotation),
                "one of them must say what they are");
  }
  if (const auto* rule = std::get_if<DerivedSpec>(&items_[root].annotation->spec)) {
    for (const Edge& from : rule->from) visit(items_[effective(from, items_[root])].root, path, done);
  }
  path.pop_back();
  done[root] = true;
  order_.push_back(root);
}

void EdgePlan::order_derived() {
  std::vector<bool> done(items_.size(), false);
  for (const Item& item : items_) {
    std::vector<std::size_t> path;
    if (!item.is_float()) visit(item.root, path, done);
  }
}

std::set<std::string> EdgePlan::observed() const {
  std::set<std::string> names;
  for (const Item& item : items_) {
    const bool plain = std::holds_alternative<PlainSpec>(items_[item.root].annotation->spec);
    if (plain && graph_.constant(item.value) == nullptr) names.insert(graph_[item.value].name);
  }
  return names;
}

bool EdgePlan::wants_histograms() const {
  return std::ranges::any_of(items_, [&](const Item& item) {
    const auto* plain = std::get_if<PlainSpec>(&items_[item.root].annotation->spec);
    return plain != nullptr && graph_.constant(item.value) == nullptr && calibrator(calibrator_named(plain->calibrator)).needs_histogram;
  });
}

// A constant's own least and largest numbers, one range for each scale; of an activation one range.
std::vector<ValueRange> EdgePlan::ranges_of(const Item& item, const PlainSpec& spec, const CalibrationStatistics& statistics) const {
  const Tensor* constant = graph_.constant(item.value);
  if (constant != nullptr) return ranges_of_constant(*constant, graph_[item.value].name, spec);
  const IntegerRange range = range_of(spec);
  const CalibrationRequest request{.symmetric = spec.symmetric, .levels = range.most - range.least + 1, .percentile = spec.percentile};
  return {calibrator(calibrator_named(spec.calibrator)).range(needed_statistics(graph_[item.value].name, statistics), request)};
}

EdgeQuantization EdgePlan::from_ranges(std::size_t root, const PlainSpec& spec, const CalibrationStatistics& statistics) const {
  std::vector<ValueRange> whole = ranges_of(items_[root], spec, statistics);
  for (std::size_t index = 0; index < items_.size(); ++index) {
    if (items_[index].root != root || index == root) continue;
    const bool activation = graph_.constant(items_[index].value) == nullptr;
    const std::vector<ValueRange> own = spec.axis && activation ? std::vector<ValueRange>{} : ranges_of(items_[index], spec, statistics);
    if (own.size() != whole.size()) {
      throw_usage(cat(edge_text(items_[index].edge), " cannot share the ", whole.size(), " scales of ", edge_text(items_[root].edge)),
                  place_of(*items_[index].annotation), "one scale for all can be shared by any value");
    }
    for (std::size_t range = 0; range < whole.size(); ++range)
      whole[range] = {std::min(whole[range].low, own[range].low), std::max(whole[range].high, own[range].high)};
  }
  const Tensor* constant = graph_.constant(items_[root].value);
  EdgeQuantization result{
      .type = stored_type_of(spec.type), .range = range_of(spec), .axis = {}, .block_size = spec.block_size, .parameters = {}};
  if (spec.axis) result.axis = *spec.axis < 0 ? *spec.axis + constant->rank() : *spec.axis;
  for (const ValueRange& range : whole) {
    const AffineParameters own = parameters_of(range, spec);
    result.parameters.scales.push_back(own.scale);
    result.parameters.zero_points.push_back(own.zero_point);
  }
  return result;
}

EdgeQuantization EdgePlan::derived(const Item& item, const DerivedSpec& spec, const std::vector<EdgeQuantization>& known) const {
  std::vector<QuantizationParameters> from;
  for (const Edge& edge : spec.from) from.push_back(known[items_[effective(edge, item)].root].parameters);
  EdgeQuantization result{.type = stored_type_of(spec.type),
                          .range = whole_range(spec.type),
                          .axis = spec.axis,
                          .block_size = 0,
                          .parameters = spec.derive(from)};
  const auto refuse = [&](const std::string& why) {
    throw_usage(cat("the parameters derived for ", edge_text(item.edge), " do not fit: ", why), place_of(*item.annotation));
  };
  const std::vector<float>& scales = result.parameters.scales;
  if (scales.empty() || scales.size() != result.parameters.zero_points.size())
    refuse(cat(scales.size(), " scales and ", result.parameters.zero_points.size(), " zero points"));
  if (!std::ranges::all_of(scales, [](float scale) { return scale > 0 && std::isfinite(scale); })) refuse("a scale is not above 0");
  for (const std::int32_t zero_point : result.parameters.zero_points) {
    if (zero_point < result.range.least || zero_point > result.range.most)
      refuse(cat("the zero point ", zero_point, " is no code of ", name_of(result.type)));
    if (spec.type == CodeType::int32 && zero_point != 0) refuse("int32 codes have the zero point 0");
  }
  if (scales.size() == 1) result.axis.reset();
  const Tensor* constant = graph_.constant(item.value);
  if (result.axis && constant != nullptr && *result.axis < 0) *result.axis += constant->rank();
  const bool along = constant != nullptr && result.axis && *result.axis >= 0 && *result.axis < constant->rank();
  const auto wanted = along ? static_cast<std::size_t>(constant->shape()[static_cast<std::size_t>(*result.axis)]) : std::size_t{1};
  if (scales.size() != wanted) refuse(cat(scales.size(), " scales where there is room for ", wanted));
  return result;
}

EdgeQuantization EdgePlan::of_root(std::size_t root, const CalibrationStatistics& statistics,
                                   const std::vector<EdgeQuantization>& known) const {
  const EdgeSpec& spec = items_[root].annotation->spec;
  if (const auto* plain = std::get_if<PlainSpec>(&spec)) return from_ranges(root, *plain, statistics);
  if (const auto* rule = std::get_if<DerivedSpec>(&spec)) return derived(items_[root], *rule, known);
  const auto& fixed = std::get<FixedSpec>(spec);
  return {.type = stored_type_of(fixed.type),
          .range = whole_range(fixed.type),
          .axis = {},
          .block_size = 0,
          .parameters = {.scales = {fixed.scale}, .zero_points = {fixed.zero_point}}};
}

std::vector<EdgeQuantization> EdgePlan::quantizations(const CalibrationStatistics& statistics) const {
  std::vector<EdgeQuantization> known(items_.size());
  for (const std::size_t root : order_) known[root] = of_root(root, statistics, known);
  for (std::size_t index = 0; index < items_.size(); ++index) {
    const Item& item = items_[index];
    if (item.is_float() || item.root == index) continue;
    known[index] = known[item.root];
    if (!known[index].axis) continue;
    // Shared scales along an axis need as many indices there.
    const Tensor* constant = graph_.constant(item.value);
    const bool fits =
        constant != nullptr && *known[index].axis < constant->rank() &&
        ScaleIndex(constant->shape(), known[index].axis, known[index].block_size).count() == known[index].parameters.scales.size();
    if (!fits)
      throw_usage(cat(edge_text(item.edge), " cannot share the ", known[index].parameters.scales.size(), " scales of ",
                      edge_text(items_[item.root].edge)),
                  place_of(*item.annotation), "one scale for all can be shared by any value");
  }
  return known;
}

}  // namespace titrate::engine
