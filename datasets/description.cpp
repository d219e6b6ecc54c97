#include "datasets/description.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "datasets/file_mapping.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t longest_text = 1'000'000;
constexpr int deepest = 16;
constexpr std::int64_t largest_side = 65'535;

/// A value and the way to it, such as "inputs.image.crop".
struct Place {
  const Json& value;
  std::string path;
  const std::string& file;

  [[noreturn]] void fail(const std::string& what, std::string hint = {}) const {
    throw_invalid(cat(path.empty() ? "the description" : cat("'", visible(path), "'"), " ", what), file, std::move(hint));
  }
  [[nodiscard]] bool has(const char* key) const { return value.contains(key); }
  [[nodiscard]] Place operator[](const std::string& key) const {
    if (!value.contains(key)) fail(cat("lacks '", key, "'"));
    return {value[key], path.empty() ? key : cat(path, ".", key), file};
  }

  void check_object(const std::vector<std::string>& allowed) const {
    if (!value.is_object()) fail("is no object {...}");
    for (const auto& [key, unused] : value.items()) {
      if (std::ranges::find(allowed, key) != allowed.end()) continue;
      const std::optional<std::string> meant = nearest(key, allowed);
      fail(cat("has the unknown key '", visible(key), "'"),
           meant ? cat("did you mean '", *meant, "'? allowed are ", join(allowed, ", ")) : cat("allowed are ", join(allowed, ", ")));
    }
  }

  [[nodiscard]] std::string text() const {
    if (!value.is_string()) fail("is no text");
    return value.get<std::string>();
  }
  [[nodiscard]] std::int64_t integer(std::int64_t least, std::int64_t largest) const {
    const bool fits = value.is_number_unsigned() ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(largest)
                                                 : value.is_number_integer() && value.get<std::int64_t>() <= largest;
    if (!fits || value.get<std::int64_t>() < least) fail(cat("is no whole number from ", least, " to ", largest));
    return value.get<std::int64_t>();
  }
  [[nodiscard]] double number() const {
    if (!value.is_number() || !std::isfinite(value.get<double>())) fail("is no number");
    return value.get<double>();
  }
  [[nodiscard]] std::vector<Place> list() const {
    if (!value.is_array()) fail("is no list [...]");
    std::vector<Place> entries;
    for (std::size_t index = 0; index < value.size(); ++index) entries.push_back({value[index], cat(path, "[", index, "]"), file});
    return entries;
  }
  /// One of the words; the position of it.
  [[nodiscard]] std::size_t word(const std::vector<std::string>& words) const {
    const auto found = std::ranges::find(words, text());
    if (found == words.end()) fail(cat("is '", visible(text()), "'"), cat("allowed are ", join(words, ", ")));
    return static_cast<std::size_t>(found - words.begin());
  }
};

// Refuses depth and repeated keys while the text is read: the library would keep the last of two values in silence.
class Guard {
 public:
  explicit Guard(const std::string& where) : where_(where) {}

  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > deepest) throw_invalid(cat("the description is nested deeper than ", deepest), where_);
    if (event == Json::parse_event_t::object_start) keys_.emplace_back();
    if (event == Json::parse_event_t::object_end) keys_.pop_back();
    if (event == Json::parse_event_t::key && !keys_.back().insert(parsed.get<std::string>()).second) {
      throw_invalid(cat("the description has the key '", visible(parsed.get<std::string>()), "' twice"), where_);
    }
    return true;
  }

 private:
  const std::string& where_;
  std::vector<std::set<std::string>> keys_;
};

Json parse_json(std::string_view text, const std::string& where) {
  if (text.size() > longest_text) throw_invalid(cat("the description has more than ", longest_text, " bytes"), where);
  try {
    return Json::parse(text, Guard(where));
  } catch (const Json::exception& error) {
    throw_invalid(cat("the description is no JSON: ", visible(error.what())), where);
  }
}

PictureSize read_size(const Place& place) {
  const std::vector<Place> sides = place.list();
  if (sides.size() != 2) place.fail("is no pair [height, width]");
  return {sides[0].integer(1, largest_side), sides[1].integer(1, largest_side)};
}

Resizing read_resizing(const Place& place) {
  place.check_object({"shorter_side", "size", "method"});
  if (place.has("shorter_side") == place.has("size")) place.fail("has to have either 'shorter_side' or 'size'");
  Resizing resizing;
  if (place.has("shorter_side")) resizing.shorter_side = place["shorter_side"].integer(1, largest_side);
  if (place.has("size")) resizing.size = read_size(place["size"]);
  if (place.has("method") && place["method"].word({"bilinear", "bicubic"}) == 1) resizing.method = ResizeMethod::bicubic;
  return resizing;
}

PictureSize read_crop(const Place& place) {
  place.check_object({"size"});
  return read_size(place["size"]);
}

std::vector<double> read_channels(const Place& place) {
  if (!place.value.is_array()) return {place.number()};
  std::vector<double> numbers;
  for (const Place& entry : place.list()) numbers.push_back(entry.number());
  if (numbers.empty()) place.fail("is empty");
  return numbers;
}

Normalisation read_normalisation(const Place& place) {
  Normalisation result;
  if (place.has("scale")) result.scale = place["scale"].number();
  if (place.has("mean")) result.mean = read_channels(place["mean"]);
  if (place.has("std")) result.std = read_channels(place["std"]);
  if (std::ranges::find(result.std, 0.0) != result.std.end()) place["std"].fail("holds a zero, by which nothing can be divided");
  if (result.mean.size() > 1 && result.std.size() > 1 && result.mean.size() != result.std.size()) {
    place.fail(cat("has ", result.mean.size(), " numbers in 'mean', but ", result.std.size(), " in 'std'"));
  }
  return result;
}

engine::DataType read_type(const Place& place) {
  const std::optional<engine::DataType> type = engine::data_type_named(place.text());
  if (!type || !is_convertible(*type)) {
    place.fail(cat("is '", visible(place.text()), "', which is no type to cast to"),
               "allowed are float32, float64, float16, bool, and int and uint with 8, 16, 32 or 64");
  }
  return *type;
}

engine::Shape read_shape(const Place& place) {
  engine::Shape shape;
  for (const Place& size : place.list()) shape.push_back(size.integer(0, std::int64_t{1} << 40));
  if (shape.size() > 32) place.fail("has more than 32 sizes");
  return shape;
}

InputDescription read_input(const std::string& name, const Place& place) {
  place.check_object({"source", "cast", "layout", "resize", "crop", "channel_order", "scale", "mean", "std", "reshape"});
  InputDescription input{name, place["source"].text(), {}};
  Preparation& preparation = input.preparation;
  if (place.has("resize")) preparation.resizing = read_resizing(place["resize"]);
  if (place.has("crop")) preparation.crop = read_crop(place["crop"]);
  if (place.has("channel_order")) preparation.reverse_channels = place["channel_order"].word({"RGB", "BGR"}) == 1;
  preparation.normalisation = read_normalisation(place);
  if (place.has("cast")) preparation.cast = read_type(place["cast"]);
  if (place.has("layout")) {
    const std::size_t layout = place["layout"].word({"NHWC->NCHW", "NCHW->NHWC"});
    preparation.layout = layout == 0 ? LayoutChange::channels_first : LayoutChange::channels_last;
  }
  if (place.has("reshape")) preparation.reshape = read_shape(place["reshape"]);
  return input;
}

std::pair<std::int64_t, std::int64_t> read_range(const Place& place) {
  constexpr std::int64_t largest = std::int64_t{1} << 48;
  const std::vector<Place> ends = place.list();
  if (ends.size() != 2) place.fail("is no pair [first sample, last sample + 1]");
  const std::pair range(ends[0].integer(0, largest), ends[1].integer(0, largest));
  if (range.first >= range.second) place.fail(cat("is empty: [", range.first, ", ", range.second, "] holds no samples"));
  return range;
}

}  // namespace

Description parse_description(std::string_view text, const std::string& where) {
  const Json json = parse_json(text, where);
  const Place root{json, "", where};
  if (!json.is_object()) throw_invalid("the description is no object {...}", where);
  root.check_object({"inputs", "labels", "range"});
  if (!root.has("inputs")) throw_invalid("the description lacks 'inputs'", where);
  const Place inputs = root["inputs"];
  if (!inputs.value.is_object() || inputs.value.empty()) inputs.fail("is no object with the model's inputs");
  Description description;
  for (const auto& [name, unused] : inputs.value.items()) description.inputs.push_back(read_input(name, inputs[name]));
  if (root.has("labels")) {
    root["labels"].check_object({"source"});
    description.labels = root["labels"]["source"].text();
  }
  if (root.has("range")) description.range = read_range(root["range"]);
  return description;
}

Description read_description(const std::filesystem::path& file) {
  const SharedBytes bytes = map_file(file);
  return parse_description({reinterpret_cast<const char*>(bytes.bytes.data()), bytes.bytes.size()}, visible(file.string()));
}

std::string to_text(const Preparation& preparation) {
  Json json;
  if (const auto& resizing = preparation.resizing) {
    json["resize"]["method"] = resizing->method == ResizeMethod::bicubic ? "bicubic" : "bilinear";
    if (resizing->shorter_side) {
      json["resize"]["shorter_side"] = *resizing->shorter_side;
    } else {
      json["resize"]["size"] = {resizing->size.height, resizing->size.width};
    }
  }
  if (preparation.crop) json["crop"]["size"] = {preparation.crop->height, preparation.crop->width};
  json["channel_order"] = preparation.reverse_channels ? "BGR" : "RGB";
  json["scale"] = preparation.normalisation.scale;
  json["mean"] = preparation.normalisation.mean;
  json["std"] = preparation.normalisation.std;
  if (preparation.cast) json["cast"] = name_of(*preparation.cast);
  if (preparation.layout != LayoutChange::none) {
    json["layout"] = preparation.layout == LayoutChange::channels_first ? "NHWC->NCHW" : "NCHW->NHWC";
  }
  if (preparation.reshape) {
    json["reshape"] = *preparation.reshape;
  } else {
    json["batch_axis"] = preparation.add_batch_axis;
  }
  return json.dump();
}

}  // namespace titrate
