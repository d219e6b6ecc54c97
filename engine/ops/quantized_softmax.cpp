// com.microsoft.QLinearSoftmax: exponentials from a table of 256 float32 numbers, sum and quotient in float32, as ONNX Runtime computes it.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "engine/kernels/threads.hpp"
#include "engine/ops/linear_code.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

constexpr std::size_t scale_x = 1;
constexpr std::size_t scale_y = 3;

struct Attributes {
  std::int64_t opset;  // of the Softmax that it stands for: from 13 on one axis, before that all axes from the given one on
  std::int64_t axis;

  explicit Attributes(const Node& node) : opset(node.integer("opset", 13)), axis(node.integer("axis", opset < 13 ? 1 : -1)) {}
  [[nodiscard]] bool one_axis() const { return opset >= 13; }
};

std::vector<OutputType> infer_softmax(const InferRequest& request) {
  check_type(request, 0, code_types);
  check_linear_code(request, scale_x, request.type(0));
  check_linear_code(request, scale_y, request.type(0));
  const Attributes attributes(request.node);
  if (request.node.find("opset") == nullptr) request.refuse("attribute 'opset' is missing");
  if (const Shape* shape = request.shape(0)) (void)request.axis(attributes.axis, shape->size());
  return like_first_input(request);
}

// A tensor as rows: element (o, d, i) of row (o, i) lies at (o * size + d) * inner + i.
struct Rows {
  std::int64_t outer, size, inner;

  Rows(const Shape& shape, const Attributes& attributes) {
    const auto axis = shape.begin() + static_cast<std::ptrdiff_t>(step_axis(attributes.axis, static_cast<std::int64_t>(shape.size())));
    outer = element_count({shape.begin(), axis});
    size = attributes.one_axis() ? *axis : element_count({axis, shape.end()});
    inner = attributes.one_axis() ? element_count({axis + 1, shape.end()}) : 1;
  }
};

// e^(scale * (code - 255)) for code 0 ... 255, times a power that leaves room for the sum of `size` of them below the largest float. The
// logarithm in float32, as ONNX Runtime takes it: the mantissas decide how ties of equal shares are rounded.
using Exponentials = std::array<float, 256>;

Exponentials exponentials(float scale, std::int64_t size) {
  const double room = std::log(std::numeric_limits<float>::max() / static_cast<float>(size));
  const double shift = std::max(0.0, room - 5) / static_cast<double>(scale);
  Exponentials table{};
  for (std::size_t code = 0; code < table.size(); ++code) {
    table[code] = static_cast<float>(std::exp((static_cast<double>(code) - 255 + shift) * static_cast<double>(scale)));
  }
  return table;
}

struct Output {
  float levels;  // codes from 0 to 1
  std::int32_t zero_point;
  explicit Output(const LinearCode& code) : levels(std::floor(1 / code.scale)), zero_point(code.zero_point) {}
};

template <class Code>
void softmax_row(const Exponentials& table, const Output& output, const Code* x, Code* y, std::int64_t size, std::int64_t step) {
  constexpr std::int32_t lowest = std::numeric_limits<Code>::lowest();
  constexpr std::int32_t highest = std::numeric_limits<Code>::max();
  std::int32_t most = lowest;
  for (std::int64_t d = 0; d < size; ++d) most = std::max(most, std::int32_t{x[d * step]});
  // The largest code gets the last entry.
  const auto exponential = [&](Code code) { return table[static_cast<std::size_t>(255 - most + code)]; };
  float sum = 0;
  for (std::int64_t d = 0; d < size; ++d) sum += exponential(x[d * step]);
  for (std::int64_t d = 0; d < size; ++d) {
    const float share = exponential(x[d * step]) * output.levels / sum;
    const auto code = static_cast<std::int32_t>(std::nearbyint(share)) + output.zero_point;
    y[d * step] = static_cast<Code>(std::clamp(code, lowest, highest));
  }
}

Step prepare_softmax(const PrepareRequest& request) {
  const Attributes attributes(request.node);
  const LinearCodeInput x(request, scale_x);
  const LinearCodeInput y(request, scale_y);
  // The table depends on the size of a row; most often it is known now.
  std::optional<Exponentials> prepared;
  std::int64_t prepared_size = -1;
  if (const std::optional<Shape>& shape = request.inputs[0].shape; shape && all_known(*shape) && x.constant()) {
    prepared_size = Rows(*shape, attributes).size;
    prepared = exponentials(x.constant()->scale, prepared_size);
  }
  return [=](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Rows rows(run.in(0).shape(), attributes);
    const bool known = prepared && rows.size == prepared_size;
    const Exponentials table = known ? *prepared : exponentials(x(run).scale, rows.size);
    const Output output(y(run));
    with_type(CodeTypes{}, run.in(0).type(), [&]<class Code>(TypeTag<Code>) {
      const Code* from = run.in(0).data<Code>().data();
      Code* to = run.out().mutable_data<Code>().data();
      kernels::parallel_for(static_cast<std::size_t>(rows.outer * rows.inner), [&](std::size_t index, std::size_t) {
        const auto row = static_cast<std::int64_t>(index);
        const std::int64_t first = row / rows.inner * rows.size * rows.inner + row % rows.inner;
        softmax_row(table, output, from + first, to + first, rows.size, rows.inner);
      });
    });
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "QLinearSoftmax",
     .domain = "com.microsoft",
     .least_inputs = 2,
     .most_inputs = 5,
     .infer = infer_softmax,
     .prepare = prepare_softmax},
};

}  // namespace

Family quantized_softmax() { return rows; }

}  // namespace titrate::engine::ops
