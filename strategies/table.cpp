#include "strategies/table.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {

namespace {

constexpr std::array rows = {
    StrategyRow{"exhaustive", "every config, in the order of the list", make_exhaustive},
    StrategyRow{"random", "every config once, in an order drawn from the seed", make_random},
    StrategyRow{"fallback", "every config in order; if none passes, the fewest nodes that must go back to 8 bit or float", make_fallback},
    StrategyRow{"fallback_bf16", "the same with bf16 in place of float", make_fallback_bf16},
};

}  // namespace

std::span<const StrategyRow> strategies() { return rows; }

std::unique_ptr<Strategy> make_strategy(std::string_view name) {
  const auto found = std::ranges::find(rows, name, &StrategyRow::name);
  if (found != rows.end()) return found->make();
  std::vector<std::string> names;
  for (const StrategyRow& row : rows) names.emplace_back(row.name);
  const std::optional<std::string> near = nearest(name, names);
  throw_usage(cat("unknown strategy '", visible(name), "'"), {},
              cat(near ? cat("did you mean '", *near, "'? ") : "", "the strategies are ", join(names, ", ")));
}

}  // namespace titrate
