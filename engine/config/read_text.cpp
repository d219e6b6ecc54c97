// Recursive descent over the grammar of config texts:
//   set      = config { ";" config }
//   config   = [ stage "+" ... ] scheme { "|" override }
//   scheme   = name [ "(" [ field "=" value { "," field "=" value } ] ")" ]
//   override = ( "name:" NODE | "regex:" RE | "between:" NODES "->" NODES | "position:" N | "type:" OP ) "=" [ stage "+" ... ] scheme
//   value    = atom | "[" atom { "," atom } "]"
// Nothing nests, so hostile text cannot exhaust the stack. Spaces may stand between any two words.
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/config/syntax.hpp"

namespace titrate {

namespace {

bool is_blank(char letter) { return letter == ' ' || (letter >= '\t' && letter <= '\r'); }

// Of scheme names, field names and values: "static_int8", "-1", "99.99", "1e-05".
bool is_word(char letter) {
  const bool alphabetic = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
  return alphabetic || (letter >= '0' && letter <= '9') || letter == '_' || letter == '.' || letter == '-';
}

class TextReader {
 public:
  explicit TextReader(std::string_view text) : text_(text) {}

  std::vector<ConfigSyntax> set() {
    std::vector<ConfigSyntax> configs;
    do {
      skip_blanks();
      if (at_end() || peek() == ';') fail(configs.empty() && at_end() ? "the config text is empty" : "a config is missing", at_);
      configs.push_back(config());
    } while (take(';'));
    if (!at_end()) fail_unexpected("';', '|' or the end");
    return configs;
  }

 private:
  ConfigSyntax config() {
    ConfigSyntax config;
    config.scheme = stages_and_scheme(config.stages);
    while (take('|')) config.overrides.push_back(an_override());
    return config;
  }

  // The last part is the scheme; what stands before it goes to `stages`.
  PartSyntax stages_and_scheme(std::vector<PartSyntax>& stages) {
    PartSyntax last = part();
    while (take('+')) {
      stages.push_back(std::move(last));
      last = part();
    }
    return last;
  }

  PartSyntax part() {
    PartSyntax part;
    skip_blanks();
    part.where = place(at_);
    part.name = word("the name of a scheme");
    const std::size_t open = at_after_blanks();
    if (!take('(') || take(')')) return part;
    do {
      part.fields.push_back(field());
    } while (take(','));
    if (take(')')) return part;
    if (at_end() || peek() == '|' || peek() == ';' || peek() == '+') fail("'(' is not closed", open, "a ')' is missing");
    fail_unexpected("',' or ')'");
  }

  FieldSyntax field() {
    FieldSyntax field;
    skip_blanks();
    field.where = place(at_);
    field.key = word("the name of a field");
    if (!take('=')) fail_unexpected(cat("'=' and a value for ", field.key));
    const std::size_t open = at_after_blanks();
    if (!take('[')) {
      field.values.push_back(atom(field.key));
      return field;
    }
    do {
      field.values.push_back(atom(field.key));
    } while (take(','));
    if (take(']')) return field;
    if (at_end() || peek() == ')') fail("'[' is not closed", open, "a ']' is missing");
    fail_unexpected("',' or ']'");
  }

  Atom atom(const std::string& key) { return {word(cat("a value for ", key)), Atom::Type::word}; }

  OverrideSyntax an_override() {
    OverrideSyntax override_syntax;
    skip_blanks();
    const std::size_t start = at_;
    override_syntax.where = place(start);
    override_syntax.kind = selector();
    override_syntax.pattern = pattern();
    if (!take('=')) fail_unexpected("'=' and a scheme");
    override_syntax.scheme = stages_and_scheme(override_syntax.stages);
    return override_syntax;
  }

  Override::Kind selector() {
    using Row = std::pair<std::string_view, Override::Kind>;
    constexpr std::array<Row, 5> rows = {Row{"name:", Override::Kind::name}, Row{"regex:", Override::Kind::regex},
                                         Row{"between:", Override::Kind::between}, Row{"position:", Override::Kind::position},
                                         Row{"type:", Override::Kind::type}};
    for (const auto& [prefix, kind] : rows) {
      if (!text_.substr(at_).starts_with(prefix)) continue;
      at_ += prefix.size();
      return kind;
    }
    fail_unexpected("name:NODE, regex:EXPRESSION, between:NODES->NODES, position:N or type:OPERATOR");
  }

  std::string pattern() {
    skip_blanks();
    if (!at_end() && peek() == '"') return quoted();
    const std::size_t start = at_;
    while (!at_end() && (is_bare(peek()) || peek() == '"')) ++at_;
    if (at_ == start) fail_unexpected("a name, in double quotes if it has spaces, '=', '|' or ';'");
    return std::string(text_.substr(start, at_ - start));
  }

  std::string quoted() {
    const std::size_t open = at_++;
    std::string result;
    while (!at_end() && peek() != '"') {
      if (peek() == '\\') {
        ++at_;
        if (at_end()) break;
        if (peek() != '"' && peek() != '\\') fail("a backslash in quotes stands before \" or \\", at_ - 1, "write \\\\ for one backslash");
      }
      result += text_[at_++];
    }
    if (at_end()) fail("the quote is not closed", open, "a '\"' is missing");
    ++at_;
    return result;
  }

  std::string word(const std::string& wanted) {
    skip_blanks();
    const std::size_t start = at_;
    while (!at_end() && is_word(peek())) ++at_;
    if (at_ == start) fail_unexpected(wanted);
    return std::string(text_.substr(start, at_ - start));
  }

  bool take(char letter) {
    skip_blanks();
    if (at_end() || peek() != letter) return false;
    ++at_;
    return true;
  }

  void skip_blanks() {
    while (!at_end() && is_blank(peek())) ++at_;
  }

  std::size_t at_after_blanks() {
    skip_blanks();
    return at_;
  }

  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] char peek() const { return text_[at_]; }

  // Quotes the text, or the part of a long one that surrounds the position.
  [[nodiscard]] std::string place(std::size_t at) const {
    constexpr std::size_t most = 120;
    const std::size_t first = at <= most / 2 || text_.size() <= most ? 0 : at - most / 2;
    const bool cut = text_.size() - first > most;
    const std::string_view part = text_.substr(first, most);
    return cat("config '", first > 0 ? "..." : "", visible(part), cut ? "..." : "", "', character ", at + 1);
  }

  [[noreturn]] void fail(const std::string& what, std::size_t at, const std::string& hint = {}) const {
    throw_usage(what, place(at), hint.empty() ? "a config is written like rtn(bits=4,sym=[true,false]) | type:Gemm = float" : hint);
  }

  [[noreturn]] void fail_unexpected(const std::string& wanted) const {
    const std::string found = at_end() ? "the end" : cat("'", visible(text_.substr(at_, 1)), "'");
    fail(cat("expected ", wanted, ", found ", found), at_);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<ConfigSyntax> read_text(std::string_view text) { return TextReader(text).set(); }

}  // namespace titrate
