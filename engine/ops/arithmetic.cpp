// Add, Sub, Mul, Div, Mod, Pow, PRelu: pairs of numbers, broadcast. Integers wrap around.
#include <cmath>
#include <limits>
#include <type_traits>

#include "engine/ops/binary.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

// An unsigned type in which T's arithmetic wraps without undefined behaviour (narrow types would be promoted to int).
template <class T>
using Wrapping = std::conditional_t<(sizeof(T) > 4), std::uint64_t, std::uint32_t>;

struct Add {
  template <class T>
  T operator()(T left, T right) const {
    if constexpr (std::is_floating_point_v<T>)
      return left + right;
    else
      return static_cast<T>(static_cast<Wrapping<T>>(left) + static_cast<Wrapping<T>>(right));
  }
};

struct Sub {
  template <class T>
  T operator()(T left, T right) const {
    if constexpr (std::is_floating_point_v<T>)
      return left - right;
    else
      return static_cast<T>(static_cast<Wrapping<T>>(left) - static_cast<Wrapping<T>>(right));
  }
};

struct Mul {
  template <class T>
  T operator()(T left, T right) const {
    if constexpr (std::is_floating_point_v<T>)
      return left * right;
    else
      return static_cast<T>(static_cast<Wrapping<T>>(left) * static_cast<Wrapping<T>>(right));
  }
};

// Integers are cut off towards zero, as in C.
struct Div {
  template <class T>
  T operator()(T left, T right) const {
    if constexpr (std::is_floating_point_v<T>)
      return left / right;
    else {
      if (right == 0) throw_invalid("an integer is divided by zero");
      if constexpr (std::is_signed_v<T>) {
        if (right == -1) return Sub{}(T{0}, left);  // the least integer would overflow
      }
      return static_cast<T>(left / right);
    }
  }
};

// fmod=0: the remainder has the divisor's sign, as in Python; fmod=1: the dividend's, as in C.
struct Mod {
  bool like_c;
  explicit Mod(const PrepareRequest& request) : like_c(request.node.integer("fmod", 0) != 0) {}
  template <class T>
  T operator()(T left, T right) const {
    if constexpr (std::is_floating_point_v<T>) {
      const T remainder = std::fmod(left, right);
      if (like_c || remainder == T{0}) return remainder;
      return (remainder < T{0}) == (right < T{0}) ? remainder : remainder + right;
    } else {
      if (right == 0) throw_invalid("the remainder of a division by zero is asked for");
      if constexpr (std::is_signed_v<T>) {
        if (right == -1) return 0;
      }
      const T remainder = static_cast<T>(left % right);
      if (like_c || remainder == 0) return remainder;
      return (remainder < 0) == (right < 0) ? remainder : static_cast<T>(remainder + right);
    }
  }
};

struct PRelu {
  template <class T>
  T operator()(T x, T slope) const {
    return x < T{0} ? Mul{}(slope, x) : x;
  }
};

std::vector<OutputType> infer_prelu(const InferRequest& request) {
  check_type(request, 0, number_types);
  const DataType type = common_type(request);
  const Shape* const shapes[] = {request.shape(0), request.shape(1)};
  (void)broadcast(request, shapes);
  const Shape* x = request.shape(0);
  const Shape* slope = request.shape(1);
  if (x != nullptr && slope != nullptr && slope->size() > x->size()) request.refuse("the slope has more axes than the input");
  return {{.type = type, .shape = request.inputs[0].shape}};
}

// Base and exponent may have different types; the result has the base's.
struct Power {
  template <class Base, class Exponent>
  Base operator()(Base base, Exponent exponent) const {
    if constexpr (std::is_floating_point_v<Base>) {
      return std::pow(base, static_cast<Base>(exponent));
    } else if constexpr (std::is_floating_point_v<Exponent>) {
      return truncated<Base>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    } else {
      return integer_power(base, static_cast<std::int64_t>(exponent));
    }
  }

 private:
  template <class Base>
  static Base truncated(double value) {
    if (!(value > -0x1p63 && value < 0x1p63)) return 0;
    return static_cast<Base>(static_cast<std::int64_t>(value));
  }

  template <class Base>
  static Base integer_power(Base base, std::int64_t exponent) {
    if (exponent < 0) return truncated<Base>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    Base result = 1;
    for (Base square = base; exponent > 0; exponent >>= 1, square = Mul{}(square, square)) {
      if ((exponent & 1) != 0) result = Mul{}(result, square);
    }
    return result;
  }
};

// The powers that models use most (normalization by hand) are worth more than a call to pow each.
template <class T>
bool known_power(const RunContext& run) {
  if (run.in(1).elements() != 1 || run.in(1).type() != run.in(0).type()) return false;
  const T exponent = run.in(1).data<T>()[0];
  const auto x = run.in(0).data<T>();
  const auto y = run.out().mutable_data<T>();
  if (exponent == T{2}) {
    for (std::size_t index = 0; index < x.size(); ++index) y[index] = x[index] * x[index];
  } else if (exponent == T{3}) {
    for (std::size_t index = 0; index < x.size(); ++index) y[index] = x[index] * x[index] * x[index];
  } else if (exponent == static_cast<T>(0.5)) {
    for (std::size_t index = 0; index < x.size(); ++index) y[index] = std::sqrt(x[index]);
  } else {
    return false;
  }
  return true;
}

Step prepare_pow(const PrepareRequest&) {
  return through_float32([](RunContext& run) {
    with_type(NumberTypes{}, run.in(0).type(), [&]<class Base>(TypeTag<Base>) {
      if constexpr (std::is_floating_point_v<Base>) {
        if (known_power<Base>(run)) return;
      }
      // Exponents as int64 or double: exact for all types but uint64 above 2^63.
      const bool whole = is_integer(run.in(1).type());
      const Tensor exponent = converted(run.in(1), whole ? DataType::int64 : DataType::float64);
      const auto base = run.in(0).data<Base>();
      const auto out = run.out().mutable_data<Base>();
      if (whole) {
        for_each_pair(run, base, exponent.data<std::int64_t>(), out, Power{});
      } else {
        for_each_pair(run, base, exponent.data<double>(), out, Power{});
      }
    });
  });
}

std::vector<OutputType> infer_pow(const InferRequest& request) {
  check_type(request, 0, number_types);
  check_type(request, 1, number_types);
  return {{.type = request.type(0), .shape = broadcast(request)}};
}

template <class Function>
constexpr OperatorDefinition arithmetic_row(std::string_view type, int first_opset = 7) {
  return {.type = type,
          .first_opset = first_opset,
          .least_inputs = 2,
          .most_inputs = 2,
          .infer = infer_binary<number_types>,
          .prepare = prepare_binary<NumberTypes, Function>};
}

constexpr OperatorDefinition rows[] = {
    arithmetic_row<Add>("Add"),
    arithmetic_row<Sub>("Sub"),
    arithmetic_row<Mul>("Mul"),
    arithmetic_row<Div>("Div"),
    arithmetic_row<Mod>("Mod", 10),
    {.type = "PRelu",
     .first_opset = 7,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = infer_prelu,
     .prepare = prepare_binary<NumberTypes, PRelu>},
    {.type = "Pow", .first_opset = 7, .least_inputs = 2, .most_inputs = 2, .infer = infer_pow, .prepare = prepare_pow},
};

}  // namespace

Family arithmetic() { return rows; }

}  // namespace titrate::engine::ops
