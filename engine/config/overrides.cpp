#include "engine/config/overrides.hpp"

#include <algorithm>
#include <set>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/config/syntax.hpp"

namespace titrate {

SchemeChooser::SchemeChooser(const Config& config) : config_(config) {
  for (const Override& each : config.overrides) {
    switch (each.kind) {
      case Override::Kind::name:
        by_name_.emplace(each.pattern, &each);
        break;
      case Override::Kind::regex:
        by_expression_.push_back({Expression(each.pattern), &each});
        break;
      case Override::Kind::between:
        for (const std::string& node : each.nodes) by_subgraph_.emplace(node, &each);
        break;
      case Override::Kind::position:
        for (const std::string& node : each.nodes) by_position_.emplace(node, &each);
        break;
      case Override::Kind::type:
        by_type_.emplace(each.pattern, &each);
        break;
    }
  }
}

const Override* SchemeChooser::override_for(std::string_view node_name, std::string_view node_type) const {
  if (const auto found = by_name_.find(node_name); found != by_name_.end()) return found->second;
  const auto matches = [&](const ByExpression& each) { return each.expression.matches(node_name); };
  if (const auto found = std::ranges::find_if(by_expression_, matches); found != by_expression_.end()) return found->choice;
  for (const auto* by_node : {&by_subgraph_, &by_position_}) {
    if (const auto there = by_node->find(node_name); there != by_node->end()) return there->second;
  }
  const auto found = by_type_.find(node_type);
  return found == by_type_.end() ? nullptr : found->second;
}

const Scheme& SchemeChooser::operator()(std::string_view node_name, std::string_view node_type) const {
  const Override* found = override_for(node_name, node_type);
  return found == nullptr ? config_.scheme : found->scheme;
}

const std::vector<Stage>& SchemeChooser::stages(std::string_view node_name, std::string_view node_type) const {
  const Override* found = override_for(node_name, node_type);
  return found == nullptr ? config_.stages : found->stages;
}

const Scheme& scheme_for(const Config& config, std::string_view node_name, std::string_view node_type) {
  return SchemeChooser(config)(node_name, node_type);
}

namespace {

bool fits(const Override& each, std::span<const NamedNode> nodes) {
  // Who resolves them on a graph has refused those that choose nothing.
  if (each.kind == Override::Kind::between || each.kind == Override::Kind::position) return true;
  if (each.kind == Override::Kind::regex) {
    const Expression expression(each.pattern);
    return std::ranges::any_of(nodes, [&](const NamedNode& node) { return expression.matches(node.name); });
  }
  const auto part = each.kind == Override::Kind::name ? &NamedNode::name : &NamedNode::type;
  return std::ranges::any_of(nodes, [&](const NamedNode& node) { return node.*part == each.pattern; });
}

std::vector<std::string> distinct(std::span<const NamedNode> nodes, std::string_view NamedNode::*part) {
  std::set<std::string> texts;
  for (const NamedNode& node : nodes) texts.emplace(node.*part);
  return {texts.begin(), texts.end()};
}

std::string shortened(const std::vector<std::string>& words) {
  constexpr std::size_t most = 12;
  const std::size_t shown = std::min(most, words.size());
  const std::string text = visible(join(std::span(words).first(shown), ", "));
  return words.size() > shown ? cat(text, " and ", words.size() - shown, " more") : text;
}

std::string hint_for(const Override& each, std::span<const NamedNode> nodes) {
  const bool by_type = each.kind == Override::Kind::type;
  const std::vector<std::string> allowed = distinct(nodes, by_type ? &NamedNode::type : &NamedNode::name);
  const std::optional<std::string> near = each.kind == Override::Kind::regex ? std::nullopt : nearest(each.pattern, allowed);
  return cat(near ? cat("did you mean '", visible(*near), "'? ") : "", by_type ? "the types are " : "the nodes are ", shortened(allowed));
}

}  // namespace

std::vector<std::string> unmatched_overrides(const Config& config, std::span<const NamedNode> nodes) {
  std::vector<std::string> unmatched;
  for (const Override& each : config.overrides) {
    if (!fits(each, nodes)) unmatched.push_back(selector_text(each.kind, each.pattern));
  }
  return unmatched;
}

void check_overrides(const Config& config, std::span<const NamedNode> nodes) {
  const std::vector<std::string> unmatched = unmatched_overrides(config, nodes);
  if (unmatched.empty()) return;
  const auto first = std::ranges::find_if(
      config.overrides, [&](const Override& each) { return selector_text(each.kind, each.pattern) == unmatched.front(); });
  throw_usage(cat(unmatched.size() == 1 ? "override " : "overrides ", visible(join(unmatched, ", ")),
                  unmatched.size() == 1 ? " matches no node" : " match no node"),
              cat("config '", visible(to_text(config)), "'"), hint_for(*first, nodes));
}

}  // namespace titrate
