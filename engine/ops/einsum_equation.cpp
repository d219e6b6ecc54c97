#include "engine/ops/einsum_equation.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate::engine::ops {
namespace {

constexpr int first_ellipsis_label = 52;
constexpr int ellipsis = -1;  // in a term, before it is spelled out

int label_of(char letter) {
  if (letter >= 'A' && letter <= 'Z') return letter - 'A';
  if (letter >= 'a' && letter <= 'z') return letter - 'a' + 26;
  throw_invalid(cat("the equation contains '", visible(std::string_view(&letter, 1)), "'"));
}

// One term: its labels, `ellipsis` for "...".
std::vector<int> parse_term(std::string_view text) {
  std::vector<int> labels;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == ' ') continue;
    if (text.substr(at, 3) == "...") {
      if (std::find(labels.begin(), labels.end(), ellipsis) != labels.end()) throw_invalid("a term of the equation has two '...'");
      labels.push_back(ellipsis);
      at += 2;
    } else {
      labels.push_back(label_of(text[at]));
    }
  }
  return labels;
}

struct Terms {
  std::vector<std::vector<int>> operands;
  std::optional<std::vector<int>> result;
};

Terms parse_terms(std::string_view text) {
  Terms terms;
  const std::size_t arrow = text.find("->");
  for (const std::string& term : split(text.substr(0, arrow), ',')) terms.operands.push_back(parse_term(term));
  if (arrow == std::string_view::npos) return terms;
  terms.result = parse_term(text.substr(arrow + 2));
  std::vector<int> sorted = *terms.result;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) throw_invalid("the result of the equation names a label twice");
  for (const int label : sorted) {
    const bool known = label == ellipsis || std::any_of(terms.operands.begin(), terms.operands.end(), [&](const std::vector<int>& operand) {
                         return std::find(operand.begin(), operand.end(), label) != operand.end();
                       });
    if (!known) throw_invalid("the result of the equation names a label that no operand has");
  }
  return terms;
}

// Without an arrow: "..." first, then every label that appears once, in the order of the alphabet.
std::vector<int> implied_result(const std::vector<std::vector<int>>& operands) {
  std::array<int, first_ellipsis_label> counts{};
  bool has_ellipsis = false;
  for (const std::vector<int>& operand : operands) {
    for (const int label : operand) {
      if (label == ellipsis)
        has_ellipsis = true;
      else
        ++counts[static_cast<std::size_t>(label)];
    }
  }
  std::vector<int> result;
  if (has_ellipsis) result.push_back(ellipsis);
  for (std::size_t label = 0; label < counts.size(); ++label) {
    if (counts[label] == 1) result.push_back(static_cast<int>(label));
  }
  return result;
}

// Replaces "..." by the last `count` of `most` labels.
std::vector<int> spelled_out(const std::vector<int>& term, std::size_t count, std::size_t most) {
  std::vector<int> labels;
  for (const int label : term) {
    if (label != ellipsis) labels.push_back(label);
    for (std::size_t axis = most - count; label == ellipsis && axis < most; ++axis)
      labels.push_back(first_ellipsis_label + static_cast<int>(axis));
  }
  return labels;
}

}  // namespace

void check_einsum(std::string_view text) { (void)parse_terms(text); }

EinsumEquation parse_einsum(std::string_view text, const std::vector<std::size_t>& ranks) {
  Terms terms = parse_terms(text);
  if (terms.operands.size() != ranks.size())
    throw_invalid(cat("the equation has ", terms.operands.size(), " operands, the node ", ranks.size()));
  if (!terms.result) terms.result = implied_result(terms.operands);
  std::vector<std::size_t> covered(ranks.size(), 0);
  for (std::size_t index = 0; index < ranks.size(); ++index) {
    const std::vector<int>& term = terms.operands[index];
    const bool has_ellipsis = std::find(term.begin(), term.end(), ellipsis) != term.end();
    const std::size_t letters = term.size() - (has_ellipsis ? 1 : 0);
    if (letters > ranks[index] || (!has_ellipsis && letters != ranks[index])) {
      throw_invalid(cat("operand ", index, " has ", ranks[index], " axes, the equation names ", letters));
    }
    covered[index] = ranks[index] - letters;
  }
  const std::size_t most = covered.empty() ? 0 : *std::max_element(covered.begin(), covered.end());
  EinsumEquation equation;
  for (std::size_t index = 0; index < ranks.size(); ++index)
    equation.operands.push_back(spelled_out(terms.operands[index], covered[index], most));
  equation.result = spelled_out(*terms.result, most, most);
  equation.labels = first_ellipsis_label + static_cast<int>(most);
  return equation;
}

std::vector<std::int64_t> label_sizes(const EinsumEquation& equation, const std::vector<Shape>& shapes) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(equation.labels), 1);
  std::vector<bool> seen(sizes.size(), false);
  for (std::size_t index = 0; index < shapes.size(); ++index) {
    for (std::size_t axis = 0; axis < shapes[index].size(); ++axis) {
      const int label = equation.operands[index][axis];
      std::int64_t& size = sizes[static_cast<std::size_t>(label)];
      const std::int64_t other = shapes[index][axis];
      const bool broadcasts = label >= first_ellipsis_label;
      if (!seen[static_cast<std::size_t>(label)] || size == other || (broadcasts && size == 1)) {
        size = other;
      } else if (!(broadcasts && other == 1)) {
        if (size >= 0 && other >= 0) throw_invalid(cat("an axis of the equation has the sizes ", size, " and ", other));
        size = std::max(size, other);
      }
      seen[static_cast<std::size_t>(label)] = true;
    }
  }
  return sizes;
}

}  // namespace titrate::engine::ops
