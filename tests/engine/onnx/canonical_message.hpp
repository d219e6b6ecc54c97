// Brings an ONNX file into a form in which two files that mean the same are the same text: the judge of round trips. It knows ONNX's
// messages from a table of its own (onnx/onnx: onnx/onnx.proto), so that a mistake of the reader is not repeated here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <protozero/pbf_reader.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace titrate::engine {

class CanonicalMessage {
 public:
  [[nodiscard]] static std::string model(std::string_view bytes) { return message("Model", bytes); }
  [[nodiscard]] static std::string model(std::span<const std::byte> bytes) {
    return model(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }

 private:
  enum class How {
    text,          // nothing and "" are the same
    name_in_list,  // "" counts, as in the inputs of a node
    varints,       // packed or not
    floats,        // packed or not
    doubles,       // packed or not
    scalar,        // one number; nothing and 0 are the same
    nested,
    nested_unordered,  // the order of the repeated messages means nothing
  };
  struct Known {
    How how;
    const char* type = "";
  };
  using Messages = std::map<std::string_view, std::map<std::uint32_t, Known>>;

  static const Messages& messages() {
    static const Messages table = {{"Model",
                                    {{1, {How::scalar}},
                                     {2, {How::text}},
                                     {3, {How::text}},
                                     {4, {How::text}},
                                     {5, {How::scalar}},
                                     {6, {How::text}},
                                     {7, {How::nested, "Graph"}},
                                     {8, {How::nested, "Opset"}},
                                     {14, {How::nested, "Entry"}}}},
                                   {"Opset", {{1, {How::text}}, {2, {How::scalar}}}},
                                   {"Entry", {{1, {How::text}}, {2, {How::text}}}},
                                   {"Graph",
                                    {{1, {How::nested, "Node"}},
                                     {2, {How::text}},
                                     {5, {How::nested_unordered, "Tensor"}},
                                     {10, {How::text}},
                                     {11, {How::nested, "ValueInfo"}},
                                     {12, {How::nested, "ValueInfo"}},
                                     {13, {How::nested_unordered, "ValueInfo"}}}},
                                   {"ValueInfo", {{1, {How::text}}, {3, {How::text}}}},
                                   {"Node",
                                    {{1, {How::name_in_list}},
                                     {2, {How::name_in_list}},
                                     {3, {How::text}},
                                     {4, {How::text}},
                                     {5, {How::nested, "Attribute"}},
                                     {6, {How::text}},
                                     {7, {How::text}}}},
                                   {"Attribute",
                                    {{1, {How::text}},
                                     {2, {How::scalar}},
                                     {3, {How::scalar}},
                                     {4, {How::text}},
                                     {5, {How::nested, "Tensor"}},
                                     {6, {How::nested, "Graph"}},
                                     {7, {How::floats}},
                                     {8, {How::varints}},
                                     {9, {How::name_in_list}},
                                     {11, {How::nested, "Graph"}},
                                     {13, {How::text}},
                                     {20, {How::scalar}}}},
                                   {"Tensor",
                                    {{1, {How::varints}},
                                     {2, {How::scalar}},
                                     {4, {How::floats}},
                                     {5, {How::varints}},
                                     {6, {How::name_in_list}},
                                     {7, {How::varints}},
                                     {8, {How::text}},
                                     {10, {How::doubles}},
                                     {12, {How::text}},
                                     {14, {How::scalar}}}}};
    return table;
  }

  using Parts = std::map<std::uint32_t, std::vector<std::string>>;

  static std::string message(std::string_view type, std::string_view bytes) {
    const auto& known = messages().at(type);
    Parts parts;
    protozero::pbf_reader reader(bytes.data(), bytes.size());
    while (true) {
      const char* start = reader.data().data();
      if (!reader.next()) break;
      const auto found = known.find(reader.tag());
      if (found != known.end()) {
        read(found->second, reader, parts[reader.tag()]);
      } else {
        const std::uint32_t tag = reader.tag();
        reader.skip();
        parts[tag].emplace_back(start, reader.data().data());
      }
    }
    for (auto& [tag, list] : parts) {
      const auto found = known.find(tag);
      if (found != known.end() && found->second.how == How::nested_unordered) {
        std::sort(list.begin(), list.end());
        list.erase(std::unique(list.begin(), list.end()), list.end());
      }
    }
    if (type == "Graph") {
      // Some exporters repeat what an input or output already says.
      std::erase_if(parts[13], [&](const std::string& info) {
        return std::count(parts[11].begin(), parts[11].end(), info) + std::count(parts[12].begin(), parts[12].end(), info) > 0;
      });
    }
    if (type == "Tensor") unify_elements(parts);
    if (type == "Node") unify_node(parts);
    return to_text(parts);
  }

  static void read(const Known& known, protozero::pbf_reader& reader, std::vector<std::string>& to) {
    const bool packed = reader.has_wire_type(protozero::pbf_wire_type::length_delimited);
    switch (known.how) {
      case How::text:
        to = {reader.get_string()};
        if (to.front().empty()) to.clear();
        return;
      case How::name_in_list:
        return to.push_back(reader.get_string());
      case How::varints:
        if (!packed) return to.push_back(std::to_string(reader.get_int64()));
        for (const auto number : reader.get_packed_int64()) to.push_back(std::to_string(number));
        return;
      case How::floats:
        if (!packed) return to.push_back(std::to_string(reader.get_fixed32()));
        for (const auto bits : reader.get_packed_fixed32()) to.push_back(std::to_string(bits));
        return;
      case How::doubles:
        if (!packed) return to.push_back(std::to_string(reader.get_fixed64()));
        for (const auto bits : reader.get_packed_fixed64()) to.push_back(std::to_string(bits));
        return;
      case How::scalar: {
        const bool varint = reader.has_wire_type(protozero::pbf_wire_type::varint);
        const std::uint64_t number = varint ? reader.get_uint64() : reader.get_fixed32();
        to.clear();
        if (number != 0) to.push_back(std::to_string(number));
        return;
      }
      case How::nested:
      case How::nested_unordered: {
        const auto view = reader.get_view();
        return to.push_back(message(known.type, {view.data(), view.size()}));
      }
    }
  }

  template <class T>
  static std::string little_endian(const std::vector<std::string>& numbers) {
    std::string bytes;
    for (const std::string& number : numbers) {
      const T element = static_cast<T>(number.starts_with('-') ? static_cast<std::uint64_t>(std::stoll(number)) : std::stoull(number));
      bytes.append(reinterpret_cast<const char*>(&element), sizeof element);
    }
    return bytes;
  }

  // Typed data becomes raw data; only the forms that the models here have.
  static void unify_elements(Parts& parts) {
    const std::string type = parts[2].empty() ? "0" : parts[2].front();
    std::string raw;
    if (!parts[4].empty()) raw = little_endian<std::uint32_t>(parts[4]);
    if (!parts[7].empty()) raw = little_endian<std::uint64_t>(parts[7]);
    if (!parts[10].empty()) raw = little_endian<std::uint64_t>(parts[10]);
    if (!parts[5].empty()) {
      if (type == "6") {
        raw = little_endian<std::uint32_t>(parts[5]);
      } else if (type == "4" || type == "5" || type == "10" || type == "16") {
        raw = little_endian<std::uint16_t>(parts[5]);
      } else {
        raw = little_endian<std::uint8_t>(parts[5]);
      }
    }
    if (!raw.empty()) {
      if (!parts[9].empty()) throw std::runtime_error("both raw and typed data");
      std::string framed = "raw:" + raw;
      parts[9].push_back(framed);
    } else if (!parts[9].empty()) {
      // As it was kept: a tag of one byte and a length before the bytes.
      protozero::pbf_reader reader(parts[9].front());
      reader.next();
      parts[9] = {"raw:" + reader.get_string()};
      if (parts[9].front() == "raw:") parts[9].clear();
    }
    for (const std::uint32_t typed : {4U, 5U, 7U, 10U}) parts[typed].clear();
  }

  // The reader names nodes that have no name, and knows one name for the domain of ONNX.
  static void unify_node(Parts& parts) {
    const auto first = std::find_if(parts[2].begin(), parts[2].end(), [](const std::string& output) { return !output.empty(); });
    if (parts[3].empty()) parts[3] = {parts[4].front() + (first == parts[2].end() ? "" : ":" + *first)};
    if (parts[7] == std::vector<std::string>{"ai.onnx"}) parts[7].clear();
  }

  static std::string to_text(const Parts& parts) {
    std::string text;
    for (const auto& [tag, list] : parts) {
      for (const std::string& part : list) text += std::to_string(tag) + "(" + std::to_string(part.size()) + "):" + part + ";";
    }
    return text;
  }
};

}  // namespace titrate::engine
