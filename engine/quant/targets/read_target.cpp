#include "engine/quant/targets/read_target.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/quant/targets/breach.hpp"
#include "engine/quant/targets/built_in.hpp"
#include "engine/quant/targets/located_json.hpp"

namespace titrate::engine {
namespace {

using Kind = LocatedJson::Kind;

// A value with the path of keys that leads to it: for messages.
class Place {
 public:
  Place(const LocatedJson& value, std::string path, const std::string& source) : value_(value), path_(std::move(path)), source_(source) {}

  [[nodiscard]] const LocatedJson& value() const { return value_; }

  [[noreturn]] void fail(const std::string& what, const std::string& hint = {}) const {
    throw_invalid(what, cat(visible(source_), ", line ", value_.line, path_.empty() ? "" : ", ", visible(path_)), hint);
  }

  /// Throws unless it is an object whose keys are among these.
  void check_keys(const std::vector<std::string>& allowed) const {
    expect(Kind::object);
    for (const auto& [key, member] : value_.members) {
      if (std::ranges::find(allowed, key) != allowed.end()) continue;
      const auto near = nearest(key, allowed);
      Place(member, path_to(key), source_)
          .fail(cat("unknown key '", visible(key), "'"),
                cat(near ? cat("did you mean '", *near, "'? ") : "", "the keys here are ", join(allowed, ", ")));
    }
  }
  [[nodiscard]] std::optional<Place> find(const std::string& key) const {
    const LocatedJson* member = value_.find(key);
    return member == nullptr ? std::nullopt : std::optional(Place(*member, path_to(key), source_));
  }
  [[nodiscard]] Place required(const std::string& key) const {
    if (auto member = find(key)) return *std::move(member);
    fail(cat("the key '", key, "' is missing"));
  }
  [[nodiscard]] std::vector<Place> items() const {
    expect(Kind::list);
    if (value_.items.empty()) fail("the list is empty");
    std::vector<Place> result;
    for (const LocatedJson& item : value_.items) result.emplace_back(item, cat(path_, "[", result.size(), "]"), source_);
    return result;
  }

  [[nodiscard]] const std::string& text() const {
    expect(Kind::text);
    return value_.text;
  }
  [[nodiscard]] bool truth() const {
    expect(Kind::boolean);
    return value_.truth;
  }
  [[nodiscard]] float positive_number() const {
    expect(Kind::number);
    const auto number = static_cast<float>(value_.number);
    if (!std::isfinite(number) || !(number > 0)) fail(cat(shortest(value_.number), " is not a positive number of 32 bits"));
    return number;
  }
  [[nodiscard]] int integer(int least, int most) const {
    expect(Kind::number);
    if (!(value_.number >= least && value_.number <= most) || std::floor(value_.number) != value_.number)
      fail(cat(shortest(value_.number), " is not a whole number from ", least, " to ", most));
    return static_cast<int>(value_.number);
  }
  /// The position among the words.
  [[nodiscard]] std::size_t one_of(const std::vector<std::string>& words) const {
    const auto found = std::ranges::find(words, text());
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    const auto near = nearest(text(), words);
    fail(cat("'", visible(text()), "' is not allowed"), cat(near ? cat("did you mean '", *near, "'? ") : "", "one of ", join(words, ", ")));
  }

 private:
  void expect(Kind kind) const {
    if (value_.kind != kind) fail(cat("expected ", name_of(kind), ", found ", name_of(value_.kind)));
  }
  [[nodiscard]] std::string path_to(const std::string& key) const { return path_.empty() ? key : cat(path_, ".", key); }

  const LocatedJson& value_;
  std::string path_;
  const std::string& source_;
};

DataType read_type(const Place& place) {
  const auto type = data_type_named(place.text());
  if (!type || *type == DataType::undefined) {
    place.fail(cat("'", visible(place.text()), "' is no element type"),
               "such as uint8, int8, uint16, int16, int32, int4, float32, float8e4m3fn");
  }
  return *type;
}

std::vector<DataType> read_types(const Place& list) {
  std::vector<DataType> types;
  for (const Place& item : list.items()) types.push_back(read_type(item));
  return types;
}

FixedParameters read_fixed(const Place& place) {
  place.check_keys({"type", "scale", "zero_point"});
  FixedParameters fixed;
  fixed.type = read_type(place.required("type"));
  fixed.parameters.scale = place.required("scale").positive_number();
  fixed.parameters.zero_point = place.required("zero_point").integer(-32768, 65535);
  return fixed;
}

// What input and output have in common.
void read_activation(const Place& place, ActivationRule& rule) {
  rule.types = read_types(place.required("types"));
  if (const auto value = place.find("symmetric")) rule.symmetric = value->truth();
  if (const auto value = place.find("least_scale")) rule.scale.least = value->positive_number();
  if (const auto value = place.find("most_scale")) rule.scale.most = value->positive_number();
  if (rule.scale.least > rule.scale.most) place.fail("least_scale is above most_scale");
}

void read_input(const Place& place, Pattern& pattern) {
  place.check_keys({"types", "symmetric", "dynamic", "least_scale", "most_scale"});
  read_activation(place, pattern.input);
  if (const auto value = place.find("dynamic")) pattern.input.dynamic = value->truth();
}

void read_output(const Place& place, Pattern& pattern) {
  place.check_keys({"types", "symmetric", "quantized", "parameters", "fixed", "least_scale", "most_scale"});
  read_activation(place, pattern.output);
  if (const auto value = place.find("quantized")) pattern.output_quantized_always = value->one_of({"if_wanted", "always"}) == 1;
  if (const auto value = place.find("parameters")) pattern.sharing = static_cast<Sharing>(value->one_of({"own", "equal_better", "equal"}));
  const auto fixed = place.find("fixed");
  if (!fixed) return;
  for (const Place& item : fixed->items()) {
    pattern.output.fixed.push_back(read_fixed(item));
    if (!pattern.output.takes(pattern.output.fixed.back().type)) item.fail("the type is not among those of the output");
  }
  if (pattern.sharing != Sharing::own) fixed->fail("fixed parameters cannot be those of the input too");
}

WeightRule read_weights(const Place& place) {
  place.check_keys({"types", "granularity", "symmetric", "least_scale"});
  WeightRule rule;
  const Place types = place.required("types");
  const bool any = types.value().items.size() == 1 && types.value().items[0].text == "any";
  if (!any) rule.types = read_types(types);
  if (const auto list = place.find("granularity")) {
    rule.per_tensor = rule.per_channel = false;
    for (const Place& item : list->items()) {
      const std::size_t which = item.one_of({"tensor", "channel", "block"});
      (which == 0 ? rule.per_tensor : which == 1 ? rule.per_channel : rule.per_block) = true;
    }
  }
  if (const auto value = place.find("symmetric")) rule.symmetric = value->truth();
  if (const auto value = place.find("least_scale")) rule.least_scale = value->positive_number();
  return rule;
}

std::vector<DataType> read_bias(const Place& place) {
  place.check_keys({"types", "scale"});
  const Place list = place.required("types");
  const std::vector<DataType> types = read_types(list);
  for (const DataType type : types) {
    if (type != DataType::int32 && type != DataType::float32) list.fail(cat("a bias is int32 or float32, not ", name_of(type)));
  }
  if (const auto scale = place.find("scale")) (void)scale->one_of({"input*weights"});
  return types;
}

// "Conv|Gemm" are two operators for which the same holds.
std::vector<std::string> alternatives(const Place& place) {
  std::vector<std::string> types = split(place.text(), '|');
  for (const std::string& type : types) {
    if (type.empty() || type != trim(type))
      place.fail(cat("'", visible(place.text()), "' is no operator"), "Conv, or Conv|Gemm for either");
  }
  return types;
}

class TargetReader {
 public:
  explicit TargetReader(const std::string& source) : source_(source) {}

  Target read(const Place& place) {
    place.check_keys({"schema", "name", "extends", "onnxruntime", "quantizes_float_layers", "pair_sum_bits", "load_failures", "patterns"});
    (void)place.required("schema").integer(1, 1);
    if (const auto base = place.find("extends")) target_ = read_base(*base);
    target_.name = place.required("name").text();
    if (target_.name.empty()) place.required("name").fail("the name is empty");
    target_.source = source_;
    if (const auto value = place.find("onnxruntime")) target_.onnxruntime = value->truth();
    if (const auto value = place.find("quantizes_float_layers")) target_.quantizes_float_layers = value->truth();
    if (const auto value = place.find("pair_sum_bits")) {
      target_.pair_sum_bits = value->integer(16, 32);
      if (target_.pair_sum_bits != 16 && target_.pair_sum_bits != 32) value->fail("sums of pairs have 16 or 32 bits");
    }
    if (const auto value = place.find("load_failures")) read_load_failures(*value);
    if (!place.find("extends") || place.find("patterns")) read_patterns(place.required("patterns"));
    return std::move(target_);
  }

 private:
  static Target read_base(const Place& place) {
    std::vector<std::string> names;
    for (const BuiltInTarget& each : built_in_targets()) names.emplace_back(each.name);
    const BuiltInTarget& base = built_in_targets()[place.one_of(names)];
    return read_target(base.text, "built in");
  }

  void read_load_failures(const Place& list) {
    target_.load_failures.clear();
    const std::vector<std::string> names(breach::all.begin(), breach::all.end());
    for (const Place& item : list.items()) target_.load_failures.push_back(names[item.one_of(names)]);
  }

  // Those of the file come before those that it extends: they are found first.
  void read_patterns(const Place& list) {
    std::vector<Pattern> inherited = std::exchange(target_.patterns, {});
    std::vector<Place> of_two;
    for (const Place& item : list.items()) {
      item.check_keys({"operators", "inputs", "input", "weights", "bias", "output", "fused", "placed"});
      const std::vector<Place> operators = item.required("operators").items();
      if (operators.size() > 2) item.required("operators").fail("a sequence has at most two operators");
      if (operators.size() == 2) {
        of_two.push_back(item);
        continue;
      }
      for (const std::string& type : alternatives(operators[0])) {
        (void)item.required("input");
        if (item.find("fused")) item.required("fused").fail("a single operator has no other fused to it");
        target_.patterns.push_back(read_pattern(item, Pattern{.operators = {type}, .input = {}, .weights = {}, .output = {}}));
      }
    }
    std::vector<Pattern> sequences;
    for (const Place& item : of_two) read_sequences(item, inherited, sequences);
    target_.patterns.insert(target_.patterns.end(), sequences.begin(), sequences.end());
    target_.patterns.insert(target_.patterns.end(), inherited.begin(), inherited.end());
  }

  // A sequence has what it does not say from the pattern of its first operator alone.
  void read_sequences(const Place& item, const std::vector<Pattern>& inherited, std::vector<Pattern>& sequences) {
    const std::vector<Place> operators = item.required("operators").items();
    for (const std::string& first : alternatives(operators[0])) {
      for (const std::string& second : alternatives(operators[1])) {
        Pattern beginning;
        const Pattern* alone = target_.integer_pattern(first);
        const auto of_base = std::ranges::find_if(inherited, [&](const Pattern& each) {
          return each.operators.size() == 1 && each.operators[0] == first && each.takes_integers();
        });
        if (alone == nullptr && of_base != inherited.end()) alone = &*of_base;
        if (alone != nullptr) beginning = *alone;
        if (alone == nullptr && !item.find("input"))
          item.fail(cat("no input is given, and there is no pattern of ", visible(first), " alone to take it from"));
        beginning.operators = {first, second};
        sequences.push_back(read_pattern(item, std::move(beginning)));
      }
    }
  }

  static Pattern read_pattern(const Place& item, Pattern pattern) {
    if (const auto value = item.find("inputs")) pattern.residual = value->one_of({"all", "residual"}) == 1;
    if (const auto value = item.find("input")) read_input(*value, pattern);
    if (const auto value = item.find("weights")) pattern.weights = read_weights(*value);
    if (const auto value = item.find("bias")) pattern.bias_types = read_bias(*value);
    // An output of which nothing is said is as the input.
    if (pattern.output.types.empty()) {
      pattern.output.types = pattern.input.types;
      pattern.output.symmetric = pattern.input.symmetric;
    }
    if (const auto value = item.find("output")) read_output(*value, pattern);
    if (const auto value = item.find("fused")) pattern.fusion = static_cast<Fusion>(value->one_of({"always", "if_redundant", "never"}));
    if (const auto value = item.find("placed")) pattern.placed = value->truth();
    if (pattern.weights && pattern.takes_integers() && !pattern.weights->takes(DataType::int8) && !pattern.weights->takes(DataType::uint8))
      item.fail("weights of a pattern on integers are int8 or uint8");
    return pattern;
  }

  const std::string& source_;
  Target target_;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw_usage("the description of the target cannot be read", visible(path));
  constexpr std::size_t most = 1 << 20;
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.size() > most) throw_invalid(cat("a description of more than ", most, " bytes"), visible(path));
  return text;
}

}  // namespace

Target read_target(std::string_view text, const std::string& source) {
  const LocatedJson document = read_located_json(text, source);
  return TargetReader(source).read(Place(document, {}, source));
}

Target find_target(const std::string& word) {
  std::vector<std::string> names;
  for (const BuiltInTarget& each : built_in_targets()) {
    if (each.name == word) return read_target(each.text, "built in");
    names.emplace_back(each.name);
  }
  if (word.ends_with(".json")) return read_target(read_file(word), word);
  const auto near = nearest(word, names);
  throw_usage(cat("there is no target '", visible(word), "'"), "--target",
              cat(near ? cat("did you mean '", *near, "'? ") : "", "the targets are ", join(names, ", "), ", or a .json file of your own"));
}

const Target& default_target() {
  static const Target target = read_target(onnxruntime_description, "built in");
  return target;
}

}  // namespace titrate::engine
