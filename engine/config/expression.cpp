#include <algorithm>
#include <regex>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/config/overrides.hpp"

namespace titrate {

namespace {

constexpr std::size_t longest = 1000;
// Counted repetitions are unrolled into states, and matching nests as deep as there are states.
constexpr std::size_t most_states = 5'000;

// libstdc++ backtracks, which takes exponential time and a stack frame for each character, unless told otherwise.
#ifdef __GLIBCXX__
constexpr auto flavour = std::regex::ECMAScript | std::regex_constants::__polynomial;
#else
constexpr auto flavour = std::regex::ECMAScript;
#endif

// At least the number of states: the length times all the counts of {n,m}.
std::size_t unrolled_size(const std::string& pattern) {
  std::size_t size = pattern.size();
  for (std::size_t at = pattern.find('{'); at != std::string::npos; at = pattern.find('{', at + 1)) {
    std::size_t count = 0;
    std::size_t most = 1;
    for (std::size_t digit = at + 1; digit < pattern.size() && pattern[digit] != '}'; ++digit) {
      if (pattern[digit] < '0' || pattern[digit] > '9') {
        count = 0;
        continue;
      }
      count = std::min(most_states + 1, count * 10 + static_cast<std::size_t>(pattern[digit] - '0'));
      most = std::max(most, count);
    }
    size = std::min(most_states + 1, size * most);
  }
  return size;
}

[[noreturn]] void refuse(const std::string& pattern, const std::string& why, const std::string& where) {
  throw_usage(cat("the regular expression '", visible(pattern.substr(0, 100)), pattern.size() > 100 ? "...'" : "'", " ", why), where,
              "ECMAScript syntax without back references; it must match a part of a node's name");
}

}  // namespace

struct Expression::Compiled {
  std::regex whole;
};

Expression::Expression(const std::string& pattern, const std::string& where) {
  if (pattern.size() > longest) refuse(pattern, cat("is longer than ", longest, " characters"), where);
  if (unrolled_size(pattern) > most_states) refuse(pattern, "repeats too often", where);
  try {
    const std::regex alone(pattern, flavour);  // "a)(b" must not become valid by what is put around it
    // Matching the whole in one pass: a search would start anew at each character.
    compiled_ = std::make_unique<Compiled>(Compiled{std::regex("[\\s\\S]*(?:" + pattern + ")[\\s\\S]*", flavour | std::regex::nosubs)});
  } catch (const std::regex_error& error) {
    refuse(pattern, cat("is broken: ", error.what()), where);
  }
}

Expression::~Expression() = default;
Expression::Expression(Expression&&) noexcept = default;
Expression& Expression::operator=(Expression&&) noexcept = default;

bool Expression::matches(std::string_view text) const { return std::regex_match(text.begin(), text.end(), compiled_->whole); }

void check_expression(const std::string& pattern, const std::string& where) { const Expression expression(pattern, where); }

}  // namespace titrate
