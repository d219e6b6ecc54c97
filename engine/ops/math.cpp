// Functions of one number: powers and logarithms, rounding, trigonometry.
#include <cmath>

#include "engine/ops/table.hpp"
#include "engine/ops/unary.hpp"

namespace titrate::engine::ops {
namespace {

struct Exp {
  template <class T>
  T operator()(T x) const {
    return std::exp(x);
  }
  [[nodiscard]] kernels::Activation kernel() const { return {kernels::ActivationKind::exp, 0, 0}; }
};
struct Log {
  template <class T>
  T operator()(T x) const {
    return std::log(x);
  }
};
struct Sqrt {
  template <class T>
  T operator()(T x) const {
    return std::sqrt(x);
  }
};
struct Reciprocal {
  template <class T>
  T operator()(T x) const {
    return T{1} / x;
  }
};
struct Erf {
  template <class T>
  T operator()(T x) const {
    return std::erf(x);
  }
  [[nodiscard]] kernels::Activation kernel() const { return {kernels::ActivationKind::erf, 0, 0}; }
};
struct Ceil {
  template <class T>
  T operator()(T x) const {
    return std::ceil(x);
  }
};
struct Floor {
  template <class T>
  T operator()(T x) const {
    return std::floor(x);
  }
};
// Half to even: the rounding mode is never changed.
struct Round {
  template <class T>
  T operator()(T x) const {
    return std::nearbyint(x);
  }
};
struct Sin {
  template <class T>
  T operator()(T x) const {
    return std::sin(x);
  }
};
struct Cos {
  template <class T>
  T operator()(T x) const {
    return std::cos(x);
  }
};
struct Tan {
  template <class T>
  T operator()(T x) const {
    return std::tan(x);
  }
};
struct Asin {
  template <class T>
  T operator()(T x) const {
    return std::asin(x);
  }
};
struct Acos {
  template <class T>
  T operator()(T x) const {
    return std::acos(x);
  }
};
struct Atan {
  template <class T>
  T operator()(T x) const {
    return std::atan(x);
  }
};
struct Sinh {
  template <class T>
  T operator()(T x) const {
    return std::sinh(x);
  }
};
struct Cosh {
  template <class T>
  T operator()(T x) const {
    return std::cosh(x);
  }
};
struct Asinh {
  template <class T>
  T operator()(T x) const {
    return std::asinh(x);
  }
};
struct Acosh {
  template <class T>
  T operator()(T x) const {
    return std::acosh(x);
  }
};
struct Atanh {
  template <class T>
  T operator()(T x) const {
    return std::atanh(x);
  }
};

struct Abs {
  template <class T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>)
      return std::abs(x);
    else if constexpr (std::is_unsigned_v<T>)
      return x;
    else
      return static_cast<T>(x < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x));
  }
};

struct Neg {
  template <class T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>)
      return -x;
    else
      return static_cast<T>(std::uint64_t{0} - static_cast<std::uint64_t>(x));  // the least integer stays as it is
  }
};

struct Sign {
  template <class T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(x)) return x;
    }
    return static_cast<T>((x > T{0} ? 1 : 0) - (x < T{0} ? 1 : 0));
  }
};

constexpr OperatorDefinition rows[] = {
    float_activation_row<Exp>("Exp"), float_row<Log>("Log"),        float_row<Sqrt>("Sqrt"),       float_row<Reciprocal>("Reciprocal"),
    number_row<Abs>("Abs"),           number_row<Neg>("Neg"),       number_row<Sign>("Sign", 9),   float_activation_row<Erf>("Erf", 9),
    float_row<Ceil>("Ceil"),          float_row<Floor>("Floor"),    float_row<Round>("Round", 11), float_row<Sin>("Sin", 7),
    float_row<Cos>("Cos", 7),         float_row<Tan>("Tan", 7),     float_row<Asin>("Asin", 7),    float_row<Acos>("Acos", 7),
    float_row<Atan>("Atan", 7),       float_row<Sinh>("Sinh", 9),   float_row<Cosh>("Cosh", 9),    float_row<Asinh>("Asinh", 9),
    float_row<Acosh>("Acosh", 9),     float_row<Atanh>("Atanh", 9),
};

}  // namespace

Family math() { return rows; }

}  // namespace titrate::engine::ops
