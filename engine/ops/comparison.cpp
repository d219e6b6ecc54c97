// Equal, Less, Greater and their like: pairs of numbers to booleans, broadcast; and Where, which chooses by them.
#include <string>

#include "engine/ops/binary.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

struct Equal {
  template <class T>
  std::uint8_t operator()(const T& left, const T& right) const {
    return left == right ? 1 : 0;
  }
};
struct Less {
  template <class T>
  std::uint8_t operator()(T left, T right) const {
    return left < right ? 1 : 0;
  }
};
struct LessOrEqual {
  template <class T>
  std::uint8_t operator()(T left, T right) const {
    return left <= right ? 1 : 0;
  }
};
struct Greater {
  template <class T>
  std::uint8_t operator()(T left, T right) const {
    return left > right ? 1 : 0;
  }
};
struct GreaterOrEqual {
  template <class T>
  std::uint8_t operator()(T left, T right) const {
    return left >= right ? 1 : 0;
  }
};

template <TypeSet allowed>
std::vector<OutputType> infer_comparison(const InferRequest& request) {
  std::vector<OutputType> outputs = infer_binary<allowed>(request);
  outputs[0].type = DataType::boolean;
  return outputs;
}

template <class Function>
void compare_numbers(RunContext& run) {
  with_type(NumberTypes{}, run.in(0).type(), [&]<class T>(TypeTag<T>) {
    for_each_pair(run, run.in(0).data<T>(), run.in(1).data<T>(), run.out().mutable_bits<std::uint8_t>(), Function{});
  });
}

template <class Function>
Step prepare_comparison(const PrepareRequest&) {
  return through_float32(compare_numbers<Function>);
}

struct SameTruth {
  std::uint8_t operator()(std::uint8_t left, std::uint8_t right) const { return (left != 0) == (right != 0) ? 1 : 0; }
};

Step prepare_equal(const PrepareRequest&) {
  return through_float32([](RunContext& run) {
    const DataType type = run.in(0).type();
    if (type == DataType::boolean) {
      for_each_pair(run, run.in(0).bits<std::uint8_t>(), run.in(1).bits<std::uint8_t>(), run.out().mutable_bits<std::uint8_t>(),
                    SameTruth{});
    } else if (type == DataType::string) {
      for_each_pair(run, run.in(0).strings(), run.in(1).strings(), run.out().mutable_bits<std::uint8_t>(), Equal{});
    } else {
      compare_numbers<Equal>(run);
    }
  });
}

std::vector<OutputType> infer_where(const InferRequest& request) {
  check_type(request, 0, boolean_type);
  check_type(request, 1, movable_types);
  const std::size_t choices[] = {1, 2};
  return {{.type = common_type(request, choices), .shape = broadcast(request)}};
}

Step prepare_where(const PrepareRequest&) {
  return [](RunContext& run) {
    const Shape* const shapes[] = {&run.in(0).shape(), &run.in(1).shape(), &run.in(2).shape()};
    const StridedLoops loops = broadcast_loops(run.out().shape(), shapes);
    const auto condition = run.in(0).bits<std::uint8_t>();
    const Tensor* const choices[] = {&run.in(1), &run.in(2)};
    with_words(choices, run.out(), run.in(1).type(), [&](const auto& from, const auto& to) {
      for_each_row(loops, [&](std::span<const std::int64_t> at) {
        const auto* chosen = condition.data() + at[1];
        const auto* yes = from[0].data() + at[2];
        const auto* no = from[1].data() + at[3];
        auto* out = to.data() + at[0];
        const std::int64_t by_condition = loops.inner_stride(1), by_yes = loops.inner_stride(2), by_no = loops.inner_stride(3);
        for (std::int64_t index = 0; index < loops.inner_size(); ++index) {
          out[index] = chosen[index * by_condition] != 0 ? yes[index * by_yes] : no[index * by_no];
        }
      });
    });
  };
}

template <class Function>
constexpr OperatorDefinition order_row(std::string_view type, int first_opset) {
  return {.type = type,
          .first_opset = first_opset,
          .least_inputs = 2,
          .most_inputs = 2,
          .infer = infer_comparison<number_types>,
          .prepare = prepare_comparison<Function>};
}

constexpr OperatorDefinition rows[] = {
    {.type = "Equal",
     .first_opset = 7,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = infer_comparison<number_types | boolean_type | string_type>,
     .prepare = prepare_equal},
    order_row<Less>("Less", 7),
    order_row<LessOrEqual>("LessOrEqual", 12),
    order_row<Greater>("Greater", 7),
    order_row<GreaterOrEqual>("GreaterOrEqual", 12),
    {.type = "Where", .first_opset = 9, .least_inputs = 3, .most_inputs = 3, .infer = infer_where, .prepare = prepare_where},
};

}  // namespace

Family comparison() { return rows; }

}  // namespace titrate::engine::ops
