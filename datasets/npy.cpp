#include "datasets/npy.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

using engine::DataType;
using engine::Shape;

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t longest_header = 10'000;  // NumPy's own max_header_size
constexpr std::size_t most_axes = 32;           // NumPy's own limit

struct TypeCode {
  std::string_view code;
  DataType type;
};

constexpr std::array<TypeCode, 12> type_codes = {{{"b1", DataType::boolean},
                                                  {"u1", DataType::uint8},
                                                  {"i1", DataType::int8},
                                                  {"u2", DataType::uint16},
                                                  {"i2", DataType::int16},
                                                  {"u4", DataType::uint32},
                                                  {"i4", DataType::int32},
                                                  {"u8", DataType::uint64},
                                                  {"i8", DataType::int64},
                                                  {"f2", DataType::float16},
                                                  {"f4", DataType::float32},
                                                  {"f8", DataType::float64}}};

// The dictionary's grammar, and nothing beyond it: strings without escapes, True, False, a tuple of sizes.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& where) : rest_(text), where_(where) {}

  ArrayFormat parse() {
    expect('{');
    while (!accept('}')) {
      parse_entry();
      if (accept('}')) break;
      expect(',');
    }
    skip_blank();
    if (!rest_.empty()) fail("goes on behind its dictionary");
    if (!type_ || !order_ || !shape_) fail("lacks one of 'descr', 'fortran_order' and 'shape'");
    return {.type = *type_, .shape = std::move(*shape_), .big_endian = big_endian_, .column_major = *order_, .offset = 0};
  }

 private:
  [[noreturn]] void fail(const std::string& how) const { throw_invalid(cat("its .npy header ", how), where_); }

  void skip_blank() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }

  bool accept(char wanted) {
    skip_blank();
    if (rest_.empty() || rest_[0] != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) fail(cat("is no dictionary of sizes: '", wanted, "' is missing before '", visible(rest_.substr(0, 20)), "'"));
  }

  bool accept_word(std::string_view word) {
    skip_blank();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::string parse_string() {
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const std::size_t end = rest_.find(quote);
    if (end == std::string_view::npos) fail("has a string without an end");
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return text;
  }

  void parse_entry() {
    const std::string key = parse_string();
    expect(':');
    if (key == "descr" && !type_) {
      parse_type();
    } else if (key == "fortran_order" && !order_) {
      order_ = accept_word("True");
      if (!*order_ && !accept_word("False")) fail("has a 'fortran_order' that is neither True nor False");
    } else if (key == "shape" && !shape_) {
      parse_shape();
    } else {
      fail(cat("has the key '", visible(key), "' twice or should not have it at all"));
    }
  }

  void parse_type() {
    if (accept('[')) throw_invalid("the file holds records with named fields", where_, "save each field as an array of its own");
    const std::string text = parse_string();
    if (text.find('O') != std::string::npos) {
      throw_invalid("the file holds pickled Python objects, which are never read", where_,
                    "save it as an array of numbers, with allow_pickle=False");
    }
    const char order = text.empty() ? '\0' : text[0];
    const std::string_view code = std::string_view(text).substr(text.empty() ? 0 : 1);
    const auto* row = std::ranges::find(type_codes, code, &TypeCode::code);
    const bool known_order = order == '<' || order == '>' || order == '|' || order == '=';
    if (row == type_codes.end() || !known_order || (order == '|' && !code.ends_with('1'))) {
      throw_invalid(cat("the file holds elements of the type '", visible(text), "'"), where_,
                    "convert them to bool, or to integers or floats of 8 to 64 bits");
    }
    type_ = row->type;
    big_endian_ = order == '>';
  }

  void parse_shape() {
    expect('(');
    Shape shape;
    while (!accept(')')) {
      shape.push_back(parse_size());
      if (shape.size() > most_axes) fail(cat("has more than ", most_axes, " axes"));
      if (accept(')')) break;
      expect(',');
    }
    shape_ = std::move(shape);
  }

  std::int64_t parse_size() {
    skip_blank();
    std::size_t digits = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') ++digits;
    const std::optional<std::int64_t> size = parse_integer(rest_.substr(0, digits));
    if (!size) fail(cat("has a size that is no number, or too large: '", visible(rest_.substr(0, 24)), "'"));
    rest_.remove_prefix(digits);
    accept('L');  // Python 2 wrote long integers so
    return *size;
  }

  std::string_view rest_;
  const std::string& where_;
  std::optional<DataType> type_;
  bool big_endian_ = false;
  std::optional<bool> order_;
  std::optional<Shape> shape_;
};

std::size_t little_endian(std::string_view bytes) {
  std::size_t value = 0;
  for (std::size_t index = bytes.size(); index-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[index]);
  return value;
}

}  // namespace

ArrayFormat read_npy_format(std::span<const std::byte> start, const std::string& where) {
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  if (!text.starts_with(magic)) throw_invalid("the file is no .npy file", where);
  if (text.size() < 10) throw_invalid("the file is cut short in its .npy header", where);
  const int version = static_cast<unsigned char>(text[6]);
  if (version < 1 || version > 3) throw_invalid(cat("the file is a .npy file of the unknown version ", version), where);
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  const std::size_t offset = 8 + length_bytes;
  if (text.size() < offset) throw_invalid("the file is cut short in its .npy header", where);
  const std::size_t length = little_endian(text.substr(8, length_bytes));
  if (length > longest_header)
    throw_invalid(cat("the file has a .npy header of ", length, " bytes; at most ", longest_header, " are read"), where);
  if (text.size() - offset < length) throw_invalid("the file is cut short in its .npy header", where);
  ArrayFormat format = HeaderParser(text.substr(offset, length), where).parse();
  format.offset = offset + length;
  try {
    (void)engine::element_count(format.shape);
  } catch (Error& error) {
    error.in(where);
    throw;
  }
  return format;
}

engine::Tensor read_npy(const std::filesystem::path& file) {
  return StoredArray(read_npy_format, map_file(file), visible(file.string())).whole();
}

engine::Tensor parse_npy(std::span<const std::byte> bytes, const std::string& where) {
  const auto copy = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
  return StoredArray(read_npy_format, {*copy, copy}, where).whole();
}

std::string npy_header(DataType type, std::span<const std::int64_t> shape) {
  const auto* row = std::ranges::find(type_codes, type, &TypeCode::type);
  if (row == type_codes.end()) throw_invalid(cat("a .npy file cannot hold elements of the type ", name_of(type)));
  std::string sizes;
  for (const std::int64_t size : shape) sizes += cat(size, shape.size() == 1 ? "," : ", ");
  if (shape.size() > 1) sizes.resize(sizes.size() - 2);
  const char order = row->code.ends_with('1') ? '|' : '<';
  std::string text = cat("{'descr': '", order, row->code, "', 'fortran_order': False, 'shape': (", sizes, "), }");
  const std::size_t before = magic.size() + 4;
  text.append((64 - (before + text.size() + 1) % 64) % 64, ' ');
  text += '\n';
  std::string header(magic);
  header += {'\1', '\0', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return header + text;
}

std::vector<std::byte> npy_bytes(const engine::Tensor& tensor) {
  const std::string header = npy_header(tensor.type(), tensor.shape());
  std::vector<std::byte> bytes(header.size() + tensor.bytes().size());
  std::memcpy(bytes.data(), header.data(), header.size());
  std::ranges::copy(tensor.bytes(), bytes.begin() + static_cast<std::ptrdiff_t>(header.size()));
  return bytes;
}

}  // namespace titrate
