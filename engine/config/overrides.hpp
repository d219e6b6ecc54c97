// Which override chooses which node.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/config/config.hpp"

namespace titrate {

/// A regular expression that must match a part of a text. Time grows linearly with the text, whatever the expression: there is no
/// backtracking.
class Expression {
 public:
  /// ECMAScript without back references, at most 1000 characters. Throws Error(usage) that names the pattern.
  explicit Expression(const std::string& pattern, const std::string& where = {});
  ~Expression();
  Expression(Expression&&) noexcept;
  Expression& operator=(Expression&&) noexcept;

  [[nodiscard]] bool matches(std::string_view text) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

/// Throws Error(usage) as Expression does.
void check_expression(const std::string& pattern, const std::string& where);

/// Finds the scheme of each node: name beats regex beats between beats position beats type beats the config's own. Keeps a reference to the
/// config. `between` and `position` count only where resolve_selectors() (engine/quant) has found their nodes on a graph.
class SchemeChooser {
 public:
  explicit SchemeChooser(const Config& config);

  /// The override that chooses the node, or null.
  [[nodiscard]] const Override* override_for(std::string_view node_name, std::string_view node_type) const;
  [[nodiscard]] const Scheme& operator()(std::string_view node_name, std::string_view node_type) const;
  /// The stages that the node takes part in: an override's own, else the config's.
  [[nodiscard]] const std::vector<Stage>& stages(std::string_view node_name, std::string_view node_type) const;

 private:
  struct ByExpression {
    Expression expression;
    const Override* choice;
  };

  const Config& config_;
  std::unordered_map<std::string_view, const Override*> by_name_;
  std::vector<ByExpression> by_expression_;  // in their order
  std::unordered_map<std::string_view, const Override*> by_subgraph_;
  std::unordered_map<std::string_view, const Override*> by_position_;
  std::unordered_map<std::string_view, const Override*> by_type_;
};

struct NamedNode {
  std::string_view name;
  std::string_view type;  ///< operator type
};

/// The overrides by name, expression or type whose pattern fits no node at all, as written: "name:no_such_node". One that another beats
/// everywhere still fits.
[[nodiscard]] std::vector<std::string> unmatched_overrides(const Config& config, std::span<const NamedNode> nodes);

/// Throws Error(usage) that names every override that fits no node, with the names or types that are spelled most alike.
void check_overrides(const Config& config, std::span<const NamedNode> nodes);

}  // namespace titrate
