// Concat joins tensors along an axis, Split cuts one apart.
#include <algorithm>
#include <numeric>

#include "engine/ops/concat_shape.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/strided_copy.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

std::int64_t product(const Shape& shape, std::size_t begin, std::size_t end) {
  return std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(begin), shape.begin() + static_cast<std::ptrdiff_t>(end),
                         std::int64_t{1}, std::multiplies<>());
}

std::int64_t concat_axis(const Node& node) { return node.integer("axis", 1); }

std::vector<OutputType> infer_concat(const InferRequest& request) {
  check_type(request, 0, movable_types);
  if (request.opset >= 4 && request.node.find("axis") == nullptr) request.refuse("attribute 'axis' is missing");
  std::vector<std::size_t> all(request.inputs.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return {{.type = common_type(request), .shape = concatenation(request, all, concat_axis(request.node))}};
}

// `count` lines of `length` numbers that follow each other in steps; on several threads. What is in its place already stays.
template <class Word>
void copy_lines(const Word* source, std::int64_t source_step, Word* target, std::int64_t target_step, std::int64_t count,
                std::int64_t length) {
  if (source == target) return;
  const std::int64_t parts = (length + shared_piece - 1) / shared_piece;
  const std::int64_t together = std::max<std::int64_t>(1, shared_piece / std::max<std::int64_t>(1, length));
  const std::int64_t groups = (count + together - 1) / together;
  const kernels::OneThread alone(!may_share<Word>);
  kernels::parallel_for(static_cast<std::size_t>(groups * parts), [&](std::size_t index, std::size_t) {
    const std::int64_t group = static_cast<std::int64_t>(index) / parts;
    const std::int64_t first = static_cast<std::int64_t>(index) % parts * shared_piece;
    const std::int64_t last = std::min(count, (group + 1) * together);
    for (std::int64_t line = group * together; line < last; ++line)
      std::copy_n(source + line * source_step + first, std::min(shared_piece, length - first), target + line * target_step + first);
  });
}

Step prepare_concat(const PrepareRequest& request) {
  return [given = concat_axis(request.node)](RunContext& run) {
    const Shape shape = run.out().shape();
    const std::size_t axis = step_axis(given, static_cast<std::int64_t>(shape.size()));
    const std::int64_t outer = product(shape, 0, axis), inner = product(shape, axis + 1, shape.size());
    with_words(run.inputs, run.out(), run.in(0).type(), [&](const auto& from, const auto& to) {
      std::int64_t first = 0;
      for (std::size_t index = 0; index < from.size(); ++index) {
        const std::int64_t length = run.inputs[index]->shape()[axis] * inner;
        copy_lines(from[index].data(), length, to.data() + first, shape[axis] * inner, outer, length);
        first += length;
      }
    });
  };
}

// The sizes of `count` equal parts: the last may be short, if the opset knows num_outputs.
std::vector<std::int64_t> equal_parts(const InferRequest& request, std::int64_t size, std::size_t count) {
  const auto parts = static_cast<std::int64_t>(count);
  if (size < 0) return std::vector<std::int64_t>(count, -1);
  const std::int64_t whole = (size + parts - 1) / parts;
  if (request.opset < 18 && whole * parts != size) request.refuse(cat("the size ", size, " cannot be split into ", count, " equal parts"));
  const std::int64_t last = size - whole * (parts - 1);
  if (last < 0) request.refuse(cat("the size ", size, " cannot be split into ", count, " parts"));
  std::vector<std::int64_t> sizes(count, whole);
  sizes.back() = last;
  return sizes;
}

void check_parts(const InferRequest& request, const std::vector<std::int64_t>& parts, std::int64_t size, std::size_t count) {
  if (parts.size() != count) request.refuse(cat(parts.size(), " parts are asked for, the node has ", count, " outputs"));
  std::int64_t total = 0;
  for (const std::int64_t part : parts) {
    if (part < 0) request.refuse(cat("a part has the size ", part));
    total = add_sizes(request, total, part);
  }
  if (size >= 0 && total != size) request.refuse(cat("the parts have ", total, " elements together, the axis has ", size));
}

std::vector<OutputType> infer_split(const InferRequest& request) {
  check_type(request, 0, movable_types);
  const std::size_t count = request.node.outputs.size();
  if (count == 0) request.refuse("it has no outputs");
  const IntegerList asked = integer_list(request, "split", 1, 13);
  const std::int64_t number = request.node.integer("num_outputs", static_cast<std::int64_t>(count));
  if (number != static_cast<std::int64_t>(count))
    request.refuse(cat("attribute 'num_outputs' is ", number, ", the node has ", count, " outputs"));
  std::vector<OutputType> outputs(count, {.type = request.type(0), .shape = std::nullopt});
  const Shape* shape = request.shape(0);
  if (shape == nullptr) return outputs;
  const std::size_t axis = request.axis(request.node.integer("axis", 0), shape->size());
  std::vector<std::int64_t> parts(count, -1);
  if (!asked.given) parts = equal_parts(request, (*shape)[axis], count);
  if (asked.given && asked.known) {
    check_parts(request, asked.numbers, (*shape)[axis], count);
    parts = asked.numbers;
  }
  for (std::size_t index = 0; index < count; ++index) {
    outputs[index].shape = *shape;
    (*outputs[index].shape)[axis] = parts[index];
  }
  return outputs;
}

Step prepare_split(const PrepareRequest& request) {
  return [given = request.node.integer("axis", 0)](RunContext& run) {
    const Shape& shape = run.in(0).shape();
    const std::size_t axis = step_axis(given, run.in(0).rank());
    const std::int64_t outer = product(shape, 0, axis), inner = product(shape, axis + 1, shape.size());
    std::int64_t first = 0;
    for (Tensor& part : run.outputs) {
      const std::int64_t length = part.shape()[axis] * inner;
      with_words(run.in(0), part, [&](const auto& from, const auto& to) {
        copy_lines(from.data() + first, shape[axis] * inner, to.data(), length, outer, length);
      });
      first += length;
    }
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "Concat", .most_inputs = -1, .infer = infer_concat, .prepare = prepare_concat, .joins_inputs = true},
    {.type = "Split", .last_opset = 12, .infer = infer_split, .prepare = prepare_split},
    {.type = "Split", .first_opset = 13, .most_inputs = 2, .infer = infer_split, .prepare = prepare_split, .shape_inputs = 0b10},
};

}  // namespace

Family concat() { return rows; }

}  // namespace titrate::engine::ops
