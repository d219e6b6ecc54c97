#include "engine/ops/convert.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "engine/base/float16.hpp"
#include "engine/base/float8.hpp"
#include "engine/ops/type_dispatch.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

bool is_half(DataType type) { return type == DataType::float16 || type == DataType::bfloat16; }

const SmallFloat* small_float(DataType type) {
  switch (type) {
    case DataType::float8e4m3fn:
      return &float8e4m3fn;
    case DataType::float8e4m3fnuz:
      return &float8e4m3fnuz;
    case DataType::float8e5m2:
      return &float8e5m2;
    case DataType::float8e5m2fnuz:
      return &float8e5m2fnuz;
    case DataType::float4e2m1:
      return &float4e2m1;
    default:
      return nullptr;
  }
}

// The float that is cut off towards zero; what an int64 cannot hold becomes its nearest end, so that every input is defined.
template <class From>
std::int64_t truncated(From value) {
  if (std::isnan(value)) return 0;
  if (value >= static_cast<From>(0x1p63)) return std::numeric_limits<std::int64_t>::max();
  if (value <= static_cast<From>(-0x1p63)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

template <class To, class From>
To convert_one(From value) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if constexpr (sizeof(To) == 8 && std::is_unsigned_v<To>) {
      if (value >= static_cast<From>(0x1p64)) return std::numeric_limits<To>::max();
      if (value >= static_cast<From>(0x1p63)) return static_cast<To>(value);
    }
    return static_cast<To>(truncated(value));
  } else {
    return static_cast<To>(value);
  }
}

void convert_numbers(const Tensor& source, Tensor& target) {
  with_type(NumberTypes{}, source.type(), [&]<class From>(TypeTag<From>) {
    with_type(NumberTypes{}, target.type(), [&]<class To>(TypeTag<To>) {
      const auto from = source.data<From>();
      const auto to = target.mutable_data<To>();
      for (std::size_t index = 0; index < from.size(); ++index) to[index] = convert_one<To>(from[index]);
    });
  });
}

void numbers_to_boolean(const Tensor& source, Tensor& target) {
  with_type(NumberTypes{}, source.type(), [&]<class From>(TypeTag<From>) {
    const auto from = source.data<From>();
    const auto to = target.mutable_bits<std::uint8_t>();
    for (std::size_t index = 0; index < from.size(); ++index) to[index] = from[index] != From{0} ? 1 : 0;
  });
}

float power_of_two(std::uint8_t code) { return code == 255 ? std::numeric_limits<float>::quiet_NaN() : std::ldexp(1.0F, code - 127); }

std::uint8_t power_code(float value, const Conversion& conversion) {
  if (std::isnan(value) || value < 0.0F) return 255;
  if (std::isinf(value)) return conversion.saturate ? 254 : 255;
  if (value == 0.0F) return 0;
  int exponent = 0;
  const float fraction = 2.0F * std::frexp(value, &exponent);  // in [1, 2), value = fraction * 2^(exponent - 1)
  int code = exponent - 1 + 127;
  if (conversion.rounding == PowerRounding::up && fraction > 1.0F) ++code;
  if (conversion.rounding == PowerRounding::nearest && fraction >= 1.5F) ++code;
  if (code > 254) return conversion.saturate ? 254 : 255;
  return static_cast<std::uint8_t>(std::max(code, 0));
}

// "1", "0.25", "1e-05", "nan", "-inf": the shortest decimal that reads back as the number.
template <class Number>
std::string decimal(Number value) {
  char text[64];
  const auto [end, error] = std::to_chars(std::begin(text), std::end(text), value);
  (void)error;  // the longest number has fewer characters than the buffer
  return {text, end};
}

double number_in(const std::string& text) {
  const auto number = parse_number(trim(text));
  if (number) return *number;
  std::string lower(trim(text));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  if (lower == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (lower == "inf" || lower == "+inf" || lower == "infinity") return std::numeric_limits<double>::infinity();
  if (lower == "-inf" || lower == "-infinity") return -std::numeric_limits<double>::infinity();
  throw_invalid(cat("the string '", visible(text), "' is not a number"));
}

Tensor numbers_of_strings(const Tensor& source, DataType target) {
  const auto strings = source.strings();
  if (is_integer(target)) {
    std::vector<std::int64_t> numbers;
    for (const std::string& text : strings) {
      const auto whole = parse_integer(trim(text));
      numbers.push_back(whole ? *whole : truncated(number_in(text)));
    }
    return Tensor::of(source.shape(), numbers);
  }
  std::vector<double> numbers;
  for (const std::string& text : strings) numbers.push_back(number_in(text));
  return Tensor::of(source.shape(), numbers);
}

Tensor strings_of_numbers(const Tensor& source) {
  std::vector<std::string> strings;
  with_type(NumberTypes{}, source.type(), [&]<class From>(TypeTag<From>) {
    for (const From value : source.data<From>()) strings.push_back(decimal(value));
  });
  return Tensor::of_strings(source.shape(), std::move(strings));
}

// Types that C++ has no arithmetic for, as the nearest one that holds all their values: int8 or uint8 for small integers, else float32.
Tensor widened(const Tensor& source) {
  const DataType type = source.type();
  if (is_integer(type)) {
    Tensor wide = Tensor::uninitialized(is_signed_integer(type) ? DataType::int8 : DataType::uint8, source.shape());
    const std::vector<std::uint8_t> words = unpacked(source);
    const auto shift = static_cast<unsigned>(8 - bits_of(type));
    const auto to = wide.mutable_bits<std::uint8_t>();
    for (std::size_t index = 0; index < words.size(); ++index) {
      const auto high = static_cast<std::uint8_t>(words[index] << shift);
      to[index] = is_signed_integer(type) ? static_cast<std::uint8_t>(static_cast<std::int8_t>(high) >> shift) : words[index];
    }
    return wide;
  }
  Tensor wide = Tensor::uninitialized(DataType::float32, source.shape());
  const auto to = wide.mutable_data<float>();
  if (is_half(type)) {
    const auto from = source.bits<std::uint16_t>();
    const auto decode_one = type == DataType::float16 ? float_from_half : float_from_bfloat16;
    for (std::size_t index = 0; index < to.size(); ++index) to[index] = decode_one(from[index]);
    return wide;
  }
  float values[256];
  for (unsigned code = 0; code < 256; ++code) {
    const auto byte = static_cast<std::uint8_t>(code);
    const SmallFloat* format = small_float(type);
    values[code] = format == nullptr ? power_of_two(byte) : decode(*format, static_cast<std::uint8_t>(byte & ((1U << bits_of(type)) - 1U)));
  }
  if (bits_of(type) == 8) {
    const auto from = source.bits<std::uint8_t>();
    for (std::size_t index = 0; index < to.size(); ++index) to[index] = values[from[index]];
  } else {
    const std::vector<std::uint8_t> from = unpacked(source);
    for (std::size_t index = 0; index < to.size(); ++index) to[index] = values[from[index]];
  }
  return wide;
}

void narrow_to_half(const Tensor& wide, Tensor& target) {
  const auto from = wide.data<float>();
  const auto to = target.mutable_bits<std::uint16_t>();
  const auto encode_one = target.type() == DataType::float16 ? half_from_float : bfloat16_from_float;
  for (std::size_t index = 0; index < to.size(); ++index) to[index] = encode_one(from[index]);
}

// A format without NaN has -0 in its place, as ml_dtypes does it and so the reference of ONNX.
std::uint8_t small_code(const SmallFloat& format, float value, const Conversion& conversion) {
  if (format.specials == SmallFloat::Specials::none && std::isnan(value)) return static_cast<std::uint8_t>(1U << (format.bits() - 1));
  return encode(format, value, conversion.saturate);
}

// From float32 (to floats of 16 bits and fewer) or int8 and uint8 (to small integers).
void narrow(const Tensor& wide, Tensor& target, const Conversion& conversion) {
  const DataType type = target.type();
  if (is_half(type)) return narrow_to_half(wide, target);
  std::vector<std::uint8_t> words(static_cast<std::size_t>(wide.elements()));
  if (is_integer(type)) {
    const auto from = wide.bits<std::uint8_t>();
    const auto mask = static_cast<std::uint8_t>((1U << bits_of(type)) - 1U);
    for (std::size_t index = 0; index < words.size(); ++index) words[index] = from[index] & mask;
  } else {
    const SmallFloat* format = small_float(type);
    const auto from = wide.data<float>();
    for (std::size_t index = 0; index < words.size(); ++index) {
      words[index] = format == nullptr ? power_code(from[index], conversion) : small_code(*format, from[index], conversion);
    }
  }
  if (bits_of(type) < 8) return pack(words, target);
  std::copy(words.begin(), words.end(), target.mutable_bits<std::uint8_t>().begin());
}

// The type through which conversions to or from `type` go; the type itself if C++ has it.
DataType arithmetic_type(DataType type) {
  if (is_integer(type) && bits_of(type) < 8) return is_signed_integer(type) ? DataType::int8 : DataType::uint8;
  if (is_half(type) || is_float8(type) || type == DataType::float8e8m0 || type == DataType::float4e2m1) return DataType::float32;
  return type;
}

Tensor without_booleans(const Tensor& source) {
  Tensor numbers = Tensor::uninitialized(DataType::uint8, source.shape());
  const auto from = source.bits<std::uint8_t>();
  const auto to = numbers.mutable_data<std::uint8_t>();
  for (std::size_t index = 0; index < from.size(); ++index) to[index] = from[index] != 0 ? 1 : 0;
  return numbers;
}

}  // namespace

void convert(const Tensor& source, Tensor& target, const Conversion& conversion) {
  if (source.type() == target.type()) return copy_elements(source, target);
  if (arithmetic_type(source.type()) != source.type()) return convert(widened(source), target, conversion);
  if (source.type() == DataType::string) return convert(numbers_of_strings(source, target.type()), target, conversion);
  if (source.type() == DataType::boolean) return convert(without_booleans(source), target, conversion);
  if (target.type() == DataType::string) {
    target = strings_of_numbers(source);
  } else if (target.type() == DataType::boolean) {
    numbers_to_boolean(source, target);
  } else if (const DataType wide_type = arithmetic_type(target.type()); wide_type != target.type()) {
    if (wide_type == source.type()) return narrow(source, target, conversion);
    narrow(converted(source, wide_type, conversion), target, conversion);
  } else {
    convert_numbers(source, target);
  }
}

Tensor converted(const Tensor& source, DataType type, const Conversion& conversion) {
  if (source.type() == type) return source;
  Tensor target = room_for(type, source.shape());
  convert(source, target, conversion);
  return target;
}

Step through_float32(Step step) {
  return [step = std::move(step)](RunContext& run) {
    std::vector<const Tensor*> inputs(run.inputs.begin(), run.inputs.end());
    std::vector<Tensor> wide;
    wide.reserve(inputs.size());
    DataType narrow_type = DataType::undefined;
    for (const Tensor*& input : inputs) {
      if (input == nullptr || !is_half(input->type())) continue;
      narrow_type = input->type();
      wide.push_back(converted(*input, DataType::float32));
      input = &wide.back();
    }
    if (narrow_type == DataType::undefined) return step(run);
    std::vector<Tensor> outputs(run.outputs.size());
    for (std::size_t index = 0; index < outputs.size(); ++index) {
      const Tensor& wanted = run.outputs[index];
      if (!wanted.exists()) continue;
      outputs[index] = is_half(wanted.type()) ? Tensor::uninitialized(DataType::float32, wanted.shape()) : wanted;
    }
    RunContext widened_run{.inputs = inputs, .outputs = outputs, .scratch = run.scratch};
    step(widened_run);
    for (std::size_t index = 0; index < outputs.size(); ++index) {
      const Tensor& wanted = run.outputs[index];
      const bool narrows = is_half(wanted.type()) || (!wanted.exists() && outputs[index].type() == DataType::float32);
      run.outputs[index] = narrows ? converted(outputs[index], narrow_type) : outputs[index];
    }
  };
}

}  // namespace titrate::engine::ops
