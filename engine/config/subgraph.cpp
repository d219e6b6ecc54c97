#include "engine/config/subgraph.hpp"

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t index = 0; index < names.size(); ++index) {
    if (index > 0) text += ',';
    for (const char letter : names[index]) {
      if (letter == ',' || letter == '>' || letter == '\\') text += '\\';
      text += letter;
    }
  }
  return text;
}

}  // namespace

SubgraphSelector parse_subgraph(std::string_view text, const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw_usage(cat("between:", visible(text), " ", what), where, "two sets of nodes are written like between:conv1,conv2->add1");
  };
  std::vector<std::vector<std::string>> sides = {{""}};
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) {
      sides.back().back() += text[++at];
    } else if (text[at] == ',') {
      sides.back().emplace_back();
    } else if (text.substr(at, 2) == "->") {
      sides.push_back({""});
      ++at;
    } else {
      sides.back().back() += text[at];
    }
  }
  if (sides.size() != 2) fail("has not one '->'");
  for (const auto& side : sides) {
    for (const std::string& name : side) {
      if (name.empty()) fail("has an empty name");
    }
  }
  return {.inputs = std::move(sides[0]), .outputs = std::move(sides[1])};
}

std::string to_text(const SubgraphSelector& selector) { return joined(selector.inputs) + "->" + joined(selector.outputs); }

}  // namespace titrate
