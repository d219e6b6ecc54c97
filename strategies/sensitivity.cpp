#include "strategies/sensitivity.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_set>

#include "engine/config/fields.hpp"
#include "engine/config/overrides.hpp"

namespace titrate {

namespace {

// Sums of infinite noise would make every share NaN: 200 dB below the signal is worse than any real node.
constexpr double least_sqnr_db = -200;

double noise_of(const LayerDecision& layer) {
  if (!layer.sqnr_db || std::isnan(*layer.sqnr_db)) return 0;
  return std::pow(10.0, -std::max(*layer.sqnr_db, least_sqnr_db) / 10);
}

std::int64_t bytes_when_lifted(const LayerDecision& layer, const Scheme& to) {
  // Float weights have four bytes, bfloat16 ones two, the others one; scales for each channel are small beside them.
  if (std::holds_alternative<FloatScheme>(to)) return layer.float_bytes;
  return std::holds_alternative<Bf16Scheme>(to) ? layer.float_bytes / 2 : layer.float_bytes / 4;
}

std::vector<LayerDecision> decisions_from(const Space& space) {
  std::vector<LayerDecision> layers;
  for (const SpaceNode& node : space.nodes) {
    LayerDecision layer;
    layer.name = node.name;
    layer.type = node.type;
    layer.float_bytes = node.weight_bytes;
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace

Scheme lifted(const Scheme& scheme, const Scheme& widest) {
  if (std::holds_alternative<Bf16Scheme>(scheme)) return FloatScheme{};
  const FieldRow* bits = row_of(scheme).field_named("bits");
  if (bits == nullptr || std::get<std::int64_t>(bits->get(scheme)) >= 8) return widest;
  return RtnScheme{.bits = 8, .group_size = -1};
}

std::vector<Liftable> ranked_nodes(const Config& config, std::span<const LayerDecision> layers, const Space& space, const Scheme& widest) {
  if (layers.empty() && !space.nodes.empty()) return ranked_nodes(config, decisions_from(space), space, widest);
  const SchemeChooser choose(config);
  std::vector<Liftable> ranked;
  std::unordered_set<std::string> seen;
  for (const LayerDecision& layer : layers) {
    const Scheme& current = choose(layer.name, layer.type);
    const bool quantized = layer.scheme != "float" && !std::holds_alternative<FloatScheme>(current);
    if (!quantized || layer.name.empty() || !seen.insert(layer.name).second) continue;
    const Scheme to = lifted(current, widest);
    ranked.push_back({layer.name, to, noise_of(layer), std::max<std::int64_t>(0, bytes_when_lifted(layer, to) - layer.stored_bytes)});
  }
  std::ranges::stable_sort(ranked, std::ranges::greater{}, &Liftable::noise);
  return ranked;
}

Config with_lifted(const Config& config, std::span<const Liftable> nodes) {
  std::unordered_set<std::string_view> names;
  for (const Liftable& node : nodes) names.insert(node.name);
  Config result = config;
  std::erase_if(result.overrides, [&](const Override& each) { return each.kind == Override::Kind::name && names.contains(each.pattern); });
  for (const Liftable& node : nodes) result.overrides.push_back({Override::Kind::name, node.name, node.lifted});
  return canonical(std::move(result));
}

std::size_t predicted_lifts(std::span<const Liftable> ranked, double loss, double tolerable_loss) {
  double total = 0;
  for (const Liftable& node : ranked) total += node.noise;
  double remaining = total;
  for (std::size_t count = 0; count < ranked.size(); ++count) {
    if (total > 0 && loss * (remaining / total) <= tolerable_loss) return count;
    remaining -= ranked[count].noise;
  }
  return ranked.size();
}

}  // namespace titrate
