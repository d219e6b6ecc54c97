#include "datasets/convert.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "engine/base/error.hpp"
#include "engine/base/float16.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

using engine::DataType;
using engine::Tensor;

/// The bit pattern of a float16: a type of its own, so that it is not taken for an integer.
struct Half {
  std::uint16_t bits;
};
/// A byte that is 0 or 1.
struct Truth {
  std::uint8_t byte;
};

// Calls `use` with a value of the C++ type that stands for `type`.
template <class Use>
void with_type(DataType type, Use&& use) {
  switch (type) {
    case DataType::float32:
      return use(float{});
    case DataType::float64:
      return use(double{});
    case DataType::float16:
      return use(Half{});
    case DataType::boolean:
      return use(Truth{});
    case DataType::uint8:
      return use(std::uint8_t{});
    case DataType::int8:
      return use(std::int8_t{});
    case DataType::uint16:
      return use(std::uint16_t{});
    case DataType::int16:
      return use(std::int16_t{});
    case DataType::uint32:
      return use(std::uint32_t{});
    case DataType::int32:
      return use(std::int32_t{});
    case DataType::uint64:
      return use(std::uint64_t{});
    case DataType::int64:
      return use(std::int64_t{});
    default:
      throw_invalid(cat("elements of type ", name_of(type), " cannot be converted"));
  }
}

template <class T>
double to_double(T value) {
  if constexpr (std::is_same_v<T, Half>) {
    return static_cast<double>(float_from_half(value.bits));
  } else if constexpr (std::is_same_v<T, Truth>) {
    return value.byte;
  } else {
    return static_cast<double>(value);
  }
}

template <class Target>
[[noreturn]] void throw_does_not_fit(const std::string& value, const std::string& where) {
  throw_invalid(cat("the value ", value, " does not fit into ", name_of(engine::data_type_of<Target>)), where);
}

template <class Target>
Target from_double(double value, const std::string& where) {
  if constexpr (std::is_same_v<Target, Half>) {
    return {half_from_float(static_cast<float>(value))};
  } else if constexpr (std::is_same_v<Target, Truth>) {
    return {static_cast<std::uint8_t>(value != 0)};
  } else if constexpr (std::is_integral_v<Target>) {
    // Both bounds are exact in double: the least value and one more than the largest are powers of two or zero.
    constexpr auto least = static_cast<double>(std::numeric_limits<Target>::min());
    const double beyond = std::ldexp(1.0, std::numeric_limits<Target>::digits);
    const double whole = std::trunc(value);
    if (!(whole >= least && whole < beyond)) throw_does_not_fit<Target>(shortest(value), where);
    return static_cast<Target>(whole);
  } else {
    return static_cast<Target>(value);
  }
}

template <class Target, class Source>
Target convert_one(Source value, const std::string& where) {
  if constexpr (std::is_integral_v<Source> && std::is_integral_v<Target>) {
    if (!std::in_range<Target>(value)) throw_does_not_fit<Target>(std::to_string(value), where);
    return static_cast<Target>(value);
  } else {
    return from_double<Target>(to_double(value), where);
  }
}

template <class T>
std::span<const T> elements_of(const Tensor& tensor) {
  return {reinterpret_cast<const T*>(tensor.bytes().data()), static_cast<std::size_t>(tensor.elements())};
}

template <class T>
std::span<T> mutable_elements_of(Tensor& tensor) {
  return {reinterpret_cast<T*>(tensor.mutable_bytes().data()), static_cast<std::size_t>(tensor.elements())};
}

// How many elements lie between one channel and the next: 1 for the last axis, a whole plane for the first.
std::size_t channel_step(const Tensor& tensor, std::int64_t channels, const std::string& where) {
  const engine::Shape& shape = tensor.shape();
  if (channels == 1 || (!shape.empty() && shape.back() == channels)) return 1;
  if (!shape.empty() && shape.front() == channels) return static_cast<std::size_t>(tensor.elements() / channels);
  throw_invalid(cat("mean and std are for ", channels, " channels, but a sample has the shape ", engine::to_text(shape)), where,
                "give one number, or one for each entry of the last (or else the first) axis");
}

template <class Source, class Target>
void normalise(std::span<const Source> from, std::span<Target> to, const Normalisation& how, std::size_t step, const std::string& where) {
  const auto channels = static_cast<std::size_t>(how.channels());
  const auto entry = [](const std::vector<double>& list, std::size_t channel) { return list[list.size() == 1 ? 0 : channel]; };
  const std::size_t block = step * channels;
  for (std::size_t channel = 0; channel < channels; ++channel) {
    const double mean = entry(how.mean, channel);
    const double std = entry(how.std, channel);
    for (std::size_t start = channel * step; start < from.size(); start += block) {
      const std::size_t end = std::min(start + step, from.size());
      for (std::size_t at = start; at < end; ++at) to[at] = from_double<Target>((to_double(from[at]) * how.scale - mean) / std, where);
    }
  }
}

}  // namespace

bool Normalisation::is_identity() const {
  const auto all = [](const std::vector<double>& list, double value) {
    return std::ranges::all_of(list, [value](double entry) { return entry == value; });
  };
  return scale == 1 && all(mean, 0) && all(std, 1);
}

std::int64_t Normalisation::channels() const { return static_cast<std::int64_t>(std::max(mean.size(), std.size())); }

bool is_convertible(DataType type) {
  return type == DataType::boolean || type == DataType::float16 || type == DataType::float32 || type == DataType::float64 ||
         (engine::is_integer(type) && engine::bits_of(type) >= 8);
}

Tensor convert(const Tensor& tensor, DataType type, const std::string& where) {
  if (type == tensor.type()) return tensor;
  Tensor result = Tensor::uninitialized(type, tensor.shape());
  with_type(tensor.type(), [&]<class Source>(Source) {
    with_type(type, [&]<class Target>(Target) {
      const auto from = elements_of<Source>(tensor);
      const auto to = mutable_elements_of<Target>(result);
      for (std::size_t at = 0; at < from.size(); ++at) to[at] = convert_one<Target>(from[at], where);
    });
  });
  return result;
}

Tensor convert(const Tensor& tensor, DataType type, const Normalisation& normalisation, const std::string& where) {
  if (normalisation.is_identity()) return convert(tensor, type, where);
  const std::size_t step = channel_step(tensor, normalisation.channels(), where);
  Tensor result = Tensor::uninitialized(type, tensor.shape());
  with_type(tensor.type(), [&]<class Source>(Source) {
    with_type(type, [&]<class Target>(Target) {
      normalise(elements_of<Source>(tensor), mutable_elements_of<Target>(result), normalisation, step, where);
    });
  });
  return result;
}

}  // namespace titrate
