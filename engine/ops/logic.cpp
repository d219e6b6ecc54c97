// Tests of one number, and the logical and bitwise operators.
#include <cmath>

#include "engine/ops/binary.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/unary.hpp"

namespace titrate::engine::ops {
namespace {

template <TypeSet allowed>
std::vector<OutputType> infer_test(const InferRequest& request) {
  check_type(request, 0, allowed);
  return {{.type = DataType::boolean, .shape = request.need(0).shape}};
}

template <class Test>
Step prepare_test(const PrepareRequest& request) {
  return through_float32([test = function_of<Test>(request)](RunContext& run) {
    with_type(FloatTypes{}, run.in(0).type(), [&]<class T>(TypeTag<T>) {
      const auto source = run.in(0).data<T>();
      const auto target = run.out().mutable_bits<std::uint8_t>();
      for (std::size_t index = 0; index < source.size(); ++index) target[index] = test(source[index]) ? 1 : 0;
    });
  });
}

struct IsNaN {
  template <class T>
  bool operator()(T x) const {
    return std::isnan(x);
  }
};

struct IsInf {
  bool positive;
  bool negative;
  explicit IsInf(const PrepareRequest& request)
      : positive(request.node.integer("detect_positive", 1) != 0), negative(request.node.integer("detect_negative", 1) != 0) {}
  template <class T>
  bool operator()(T x) const {
    return std::isinf(x) && (x > T{0} ? positive : negative);
  }
};

Step prepare_not(const PrepareRequest&) {
  return [](RunContext& run) {
    const auto source = run.in(0).bits<std::uint8_t>();
    const auto target = run.out().mutable_bits<std::uint8_t>();
    for (std::size_t index = 0; index < source.size(); ++index) target[index] = source[index] == 0 ? 1 : 0;
  };
}

struct BitwiseNot {
  template <class T>
  T operator()(T x) const {
    return static_cast<T>(~x);
  }
};

struct And {
  std::uint8_t operator()(std::uint8_t left, std::uint8_t right) const { return left != 0 && right != 0 ? 1 : 0; }
};
struct Or {
  std::uint8_t operator()(std::uint8_t left, std::uint8_t right) const { return left != 0 || right != 0 ? 1 : 0; }
};
struct Xor {
  std::uint8_t operator()(std::uint8_t left, std::uint8_t right) const { return (left != 0) != (right != 0) ? 1 : 0; }
};

template <class Function>
Step prepare_logical(const PrepareRequest&) {
  return [](RunContext& run) {
    for_each_pair(run, run.in(0).bits<std::uint8_t>(), run.in(1).bits<std::uint8_t>(), run.out().mutable_bits<std::uint8_t>(), Function{});
  };
}

struct BitwiseAnd {
  template <class T>
  T operator()(T left, T right) const {
    return static_cast<T>(left & right);
  }
};
struct BitwiseOr {
  template <class T>
  T operator()(T left, T right) const {
    return static_cast<T>(left | right);
  }
};
struct BitwiseXor {
  template <class T>
  T operator()(T left, T right) const {
    return static_cast<T>(left ^ right);
  }
};

// A shift by the width or more leaves no bit.
struct ShiftLeft {
  template <class T>
  T operator()(T value, T by) const {
    return by < 8 * sizeof(T) ? static_cast<T>(static_cast<std::uint64_t>(value) << by) : T{0};
  }
};
struct ShiftRight {
  template <class T>
  T operator()(T value, T by) const {
    return by < 8 * sizeof(T) ? static_cast<T>(value >> by) : T{0};
  }
};

std::vector<OutputType> infer_shift(const InferRequest& request) {
  const std::string direction = request.node.text("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") request.refuse("attribute 'direction' must be LEFT or RIGHT");
  return infer_binary<unsigned_types>(request);
}

Step prepare_shift(const PrepareRequest& request) {
  const bool left = request.node.text("direction", "") == "LEFT";
  return left ? prepare_binary<UnsignedTypes, ShiftLeft>(request) : prepare_binary<UnsignedTypes, ShiftRight>(request);
}

template <class Function>
constexpr OperatorDefinition logical_row(std::string_view type) {
  return {.type = type,
          .first_opset = 7,
          .least_inputs = 2,
          .most_inputs = 2,
          .infer = infer_binary<boolean_type>,
          .prepare = prepare_logical<Function>};
}

template <class Function>
constexpr OperatorDefinition bitwise_row(std::string_view type) {
  return {.type = type,
          .first_opset = 18,
          .least_inputs = 2,
          .most_inputs = 2,
          .infer = infer_binary<integer_types>,
          .prepare = prepare_binary<IntegerTypes, Function>};
}

constexpr OperatorDefinition rows[] = {
    {.type = "IsNaN", .first_opset = 9, .infer = infer_test<float_types>, .prepare = prepare_test<IsNaN>},
    {.type = "IsInf", .first_opset = 10, .infer = infer_test<float_types>, .prepare = prepare_test<IsInf>},
    {.type = "Not", .infer = infer_test<boolean_type>, .prepare = prepare_not},
    {.type = "BitwiseNot", .first_opset = 18, .infer = infer_like_first<integer_types>, .prepare = prepare_unary<IntegerTypes, BitwiseNot>},
    logical_row<And>("And"),
    logical_row<Or>("Or"),
    logical_row<Xor>("Xor"),
    bitwise_row<BitwiseAnd>("BitwiseAnd"),
    bitwise_row<BitwiseOr>("BitwiseOr"),
    bitwise_row<BitwiseXor>("BitwiseXor"),
    {.type = "BitShift", .first_opset = 11, .least_inputs = 2, .most_inputs = 2, .infer = infer_shift, .prepare = prepare_shift},
};

}  // namespace

Family logic() { return rows; }

}  // namespace titrate::engine::ops
