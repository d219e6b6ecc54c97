#include "engine/quant/table_overrides.hpp"

#include <algorithm>

#include "engine/base/text.hpp"
#include "engine/config/overrides.hpp"
#include "engine/quant/weight_matrix.hpp"

namespace titrate::engine {

Config with_tables(const Config& config, const Graph& prepared) {
  if (std::holds_alternative<FloatScheme>(config.scheme) || std::holds_alternative<DynamicInt8Scheme>(config.scheme)) return config;
  const SchemeChooser choose(config);
  const auto is_table = [&](const Node& node) { return is_lookup(node) && !weight_refusal(prepared, node); };
  const bool any = std::ranges::any_of(prepared.nodes, is_table);
  const bool chosen = std::ranges::any_of(
      prepared.nodes, [&](const Node& node) { return is_table(node) && choose.override_for(node.name, node.type) != nullptr; });
  if (!any || chosen) return config;
  // One scale a row costs little and keeps much; fields of activations say nothing here.
  const bool integer = std::holds_alternative<StaticInt8Scheme>(config.scheme);
  const std::string own = integer ? "rtn(bits=8,group_size=-1)" : to_text(config.scheme);
  return parse_config(cat(to_text(config), " | type:Gather = ", own));
}

}  // namespace titrate::engine
