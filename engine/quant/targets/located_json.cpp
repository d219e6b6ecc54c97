#include "engine/quant/targets/located_json.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate::engine {
namespace {

using Json = nlohmann::json;

constexpr std::size_t deepest = 32;

// The parser reads each character once, at most one beyond the value that it hands over. A line is counted when its first character is
// read, so a line break behind a number does not count yet.
struct LineCounter {
  int line = 1;
  bool after_break = false;
  void read(char letter) {
    if (after_break) ++line;
    after_break = letter == '\n';
  }
};

class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, LineCounter* lines) : at_(at), lines_(lines) {}
  const char& operator*() const {
    lines_->read(*at_);
    return *at_;
  }
  CountingIterator& operator++() {
    ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++at_;
    return before;
  }
  friend bool operator==(const CountingIterator& a, const CountingIterator& b) { return a.at_ == b.at_; }
  friend bool operator!=(const CountingIterator& a, const CountingIterator& b) { return a.at_ != b.at_; }

 private:
  const char* at_;
  LineCounter* lines_;
};

// Builds the tree from the parser's events. What is open is the path to the value at hand: each a member of the one before, whose lists do
// not grow meanwhile.
class TreeBuilder {
 public:
  TreeBuilder(const LineCounter& lines, const std::string& source) : lines_(lines), source_(source) {}

  // The names are those of nlohmann's SAX interface.
  bool null() { return add(LocatedJson::Kind::null) != nullptr; }
  bool boolean(bool value) {
    add(LocatedJson::Kind::boolean)->truth = value;
    return true;
  }
  bool number_integer(Json::number_integer_t value) { return number(static_cast<double>(value)); }
  bool number_unsigned(Json::number_unsigned_t value) { return number(static_cast<double>(value)); }
  bool number_float(Json::number_float_t value, const std::string&) { return number(value); }
  bool string(std::string& value) {
    add(LocatedJson::Kind::text)->text = std::move(value);
    return true;
  }
  bool binary(Json::binary_t&) { return false; }  // JSON text has none
  bool start_object(std::size_t) { return open(LocatedJson::Kind::object); }
  bool start_array(std::size_t) { return open(LocatedJson::Kind::list); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& value) {
    if (open_.back()->find(value) != nullptr) fail(cat("the key '", visible(value), "' is given twice"));
    key_ = std::move(value);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception& error) { fail(cat("not JSON: ", visible(error.what()))); }

  [[nodiscard]] LocatedJson take() { return std::move(root_); }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw_invalid(what, cat(source_, ", line ", lines_.line)); }

  LocatedJson* add(LocatedJson::Kind kind) {
    LocatedJson* added = &root_;
    if (!open_.empty() && open_.back()->kind == LocatedJson::Kind::list) {
      added = &open_.back()->items.emplace_back();
    } else if (!open_.empty()) {
      added = &open_.back()->members.emplace_back(std::exchange(key_, {}), LocatedJson{}).second;
    }
    added->kind = kind;
    added->line = lines_.line;
    return added;
  }
  bool number(double value) {
    add(LocatedJson::Kind::number)->number = value;
    return true;
  }
  bool open(LocatedJson::Kind kind) {
    if (open_.size() >= deepest) fail(cat("nested deeper than ", deepest));
    open_.push_back(add(kind));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  const LineCounter& lines_;
  const std::string& source_;
  LocatedJson root_;
  std::vector<LocatedJson*> open_;
  std::string key_;
};

}  // namespace

const LocatedJson* LocatedJson::find(std::string_view key) const {
  const auto found = std::ranges::find_if(members, [&](const auto& member) { return member.first == key; });
  return found == members.end() ? nullptr : &found->second;
}

std::string_view name_of(LocatedJson::Kind kind) {
  switch (kind) {
    case LocatedJson::Kind::null:
      return "null";
    case LocatedJson::Kind::boolean:
      return "true or false";
    case LocatedJson::Kind::number:
      return "a number";
    case LocatedJson::Kind::text:
      return "a string";
    case LocatedJson::Kind::list:
      return "a list";
    case LocatedJson::Kind::object:
      return "an object";
  }
  return {};
}

LocatedJson read_located_json(std::string_view text, const std::string& source) {
  LineCounter lines;
  TreeBuilder builder(lines, source);
  Json::sax_parse(CountingIterator(text.data(), &lines), CountingIterator(text.data() + text.size(), &lines), &builder);
  return builder.take();
}

}  // namespace titrate::engine
