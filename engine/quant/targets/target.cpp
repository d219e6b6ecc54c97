#include "engine/quant/targets/target.hpp"

#include <algorithm>

namespace titrate::engine {
namespace {

bool contains(const std::vector<DataType>& types, DataType type) { return std::ranges::find(types, type) != types.end(); }

}  // namespace

bool ActivationRule::takes(DataType type) const { return contains(types, type); }

const FixedParameters* ActivationRule::fixed_for(DataType type) const {
  const auto found = std::ranges::find(fixed, type, &FixedParameters::type);
  return found == fixed.end() ? nullptr : &*found;
}

bool WeightRule::takes(DataType type) const { return types.empty() || contains(types, type); }

bool Pattern::takes_integers() const { return !input.dynamic && std::ranges::any_of(input.types, is_integer); }

const Pattern* Target::integer_pattern(std::string_view type) const {
  const auto found = std::ranges::find_if(
      patterns, [&](const Pattern& each) { return each.operators.size() == 1 && each.operators[0] == type && each.takes_integers(); });
  return found == patterns.end() ? nullptr : &*found;
}

const Pattern* Target::integer_pattern(std::string_view type, std::string_view behind) const {
  const auto found = std::ranges::find_if(patterns, [&](const Pattern& each) {
    return each.operators.size() == 2 && each.operators[0] == type && each.operators[1] == behind && each.takes_integers();
  });
  return found == patterns.end() ? nullptr : &*found;
}

const Pattern* Target::dynamic_pattern(std::string_view type) const {
  const auto found =
      std::ranges::find_if(patterns, [&](const Pattern& each) { return each.operators.front() == type && each.input.dynamic; });
  return found == patterns.end() ? nullptr : &*found;
}

const Pattern* Target::storage_pattern(std::string_view type, DataType input) const {
  const auto found = std::ranges::find_if(patterns, [&](const Pattern& each) {
    return each.operators.front() == type && each.weights && !each.takes_integers() && !each.input.dynamic && each.input.takes(input);
  });
  return found == patterns.end() ? nullptr : &*found;
}

bool Target::fails_to_load(std::string_view rule) const { return std::ranges::find(load_failures, rule) != load_failures.end(); }

}  // namespace titrate::engine
