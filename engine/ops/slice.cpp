// Operators that read a part or repeat the whole: Slice, Expand, Tile, Trilu, ReverseSequence.
#include <algorithm>
#include <limits>

#include "engine/ops/shape_inference.hpp"
#include "engine/ops/strided_copy.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

// start, start + step, ...: `count` elements.
struct Cut {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::int64_t count = 0;
};

// Numpy's rule: negative positions count from the end, then both ends are clamped to the axis.
Cut cut_axis(std::int64_t size, std::int64_t start, std::int64_t end, std::int64_t step) {
  const auto from_end = [&](std::int64_t position) { return position < 0 ? position + size : position; };
  Cut cut{.start = 0, .step = step, .count = 0};
  if (step > 0) {
    cut.start = std::clamp(from_end(start), std::int64_t{0}, size);
    const std::int64_t stop = std::clamp(from_end(end), std::int64_t{0}, size);
    if (stop > cut.start) cut.count = (stop - cut.start - 1) / step + 1;
  } else if (size > 0) {
    cut.start = std::clamp(from_end(start), std::int64_t{-1}, size - 1);
    const std::int64_t stop = std::clamp(from_end(end), std::int64_t{-1}, size - 1);
    if (cut.start > stop) cut.count = (cut.start - stop - 1) / -step + 1;
  }
  if (cut.count == 0) cut.start = 0;
  return cut;
}

struct SliceLists {
  IntegerList starts, ends, axes, steps;
};

SliceLists slice_lists(const InferRequest& request) {
  SliceLists lists{.starts = integer_list(request, "starts", 1, 10),
                   .ends = integer_list(request, "ends", 2, 10),
                   .axes = integer_list(request, "axes", 3, 10),
                   .steps = request.opset < 10 ? IntegerList{} : integer_list(request, "steps", 4, 10)};
  if (!lists.starts.given || !lists.ends.given) request.refuse("starts or ends are missing");
  if (!lists.starts.known || !lists.ends.known) return lists;
  const std::size_t count = lists.starts.numbers.size();
  const auto fits = [&](const IntegerList& list) { return !list.given || !list.known || list.numbers.size() == count; };
  if (!fits(lists.ends) || !fits(lists.axes) || !fits(lists.steps)) request.refuse("starts, ends, axes and steps differ in length");
  for (const std::int64_t step : lists.steps.numbers) {
    if (step == 0) request.refuse("a step is 0");
  }
  if (!lists.axes.given) {
    for (std::size_t axis = 0; axis < count; ++axis) lists.axes.numbers.push_back(static_cast<std::int64_t>(axis));
  }
  if (!lists.steps.given) lists.steps.numbers.assign(count, 1);
  return lists;
}

// -2^63 has no negative: it reads as the step before it, which no axis tells apart.
std::int64_t safe_step(std::int64_t step) { return std::max(step, -std::numeric_limits<std::int64_t>::max()); }

std::vector<OutputType> infer_slice(const InferRequest& request) {
  check_type(request, 0, movable_types);
  const SliceLists lists = slice_lists(request);
  const Shape* shape = request.shape(0);
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (shape == nullptr) return {output};
  if (!lists.axes.known) {
    output.shape = unknown_sizes(shape->size());
    return {output};
  }
  output.shape = *shape;
  if (!lists.starts.known || !lists.ends.known || !lists.steps.known) {
    if (!lists.axes.given) output.shape = unknown_sizes(shape->size());
    for (const std::size_t axis : axis_list(request, lists.axes.numbers, shape->size())) (*output.shape)[axis] = -1;
    return {output};
  }
  const std::vector<std::size_t> axes = axis_list(request, lists.axes.numbers, shape->size());
  for (std::size_t index = 0; index < axes.size(); ++index) {
    std::int64_t& size = (*output.shape)[axes[index]];
    if (size >= 0)
      size = cut_axis(size, lists.starts.numbers[index], lists.ends.numbers[index], safe_step(lists.steps.numbers[index])).count;
  }
  return {output};
}

std::vector<std::int64_t> numbers_at(const RunContext& run, std::size_t index) {
  return run.has(index) ? to_integers(run.in(index)) : std::vector<std::int64_t>{};
}

struct SliceNumbers {
  std::vector<std::int64_t> starts, ends, axes, steps;
};

void slice(RunContext& run, const SliceNumbers& numbers) {
  const Shape& shape = run.in(0).shape();
  std::vector<std::int64_t> strides = strides_of(shape);
  std::int64_t first = 0;
  for (std::size_t index = 0; index < numbers.starts.size(); ++index) {
    const std::size_t axis = numbers.axes.empty() ? index : step_axis(numbers.axes[index], static_cast<std::int64_t>(shape.size()));
    const std::int64_t step = numbers.steps.empty() ? 1 : safe_step(numbers.steps[index]);
    const Cut cut = cut_axis(shape[axis], numbers.starts[index], numbers.ends[index], step);
    first += cut.start * strides[axis];
    strides[axis] *= cut.count > 1 ? cut.step : 1;
  }
  if (run.out().elements() == 0) return;
  const Shape sizes = run.out().shape();
  with_words(run.in(0), run.out(), [&](const auto& from, const auto& to) { strided_copy(from.data() + first, sizes, strides, to.data()); });
}

Step prepare_slice(const PrepareRequest& request) {
  if (request.opset < 10) {
    return [numbers = SliceNumbers{request.node.integers("starts"), request.node.integers("ends"), request.node.integers("axes"), {}}](
               RunContext& run) { slice(run, numbers); };
  }
  return [](RunContext& run) { slice(run, {numbers_at(run, 1), numbers_at(run, 2), numbers_at(run, 3), numbers_at(run, 4)}); };
}

std::vector<OutputType> infer_expand(const InferRequest& request) {
  check_type(request, 0, movable_types);
  check_type(request, 1, index_types);
  const auto asked = request.integers(1);
  const Shape* shape = request.shape(0);
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (asked) {
    if (std::any_of(asked->begin(), asked->end(), [](std::int64_t size) { return size < 0; }))
      request.refuse("the new shape has a negative size");
    const Shape* const shapes[] = {shape, &*asked};
    output.shape = broadcast(request, shapes);
  } else if (const Shape* length = request.shape(1); shape != nullptr && length != nullptr && length->size() == 1) {
    const std::int64_t rank = (*length)[0];
    if (rank >= 0 && rank <= 64) output.shape = unknown_sizes(std::max(shape->size(), static_cast<std::size_t>(rank)));
  }
  return {output};
}

Step prepare_expand(const PrepareRequest&) {
  return [](RunContext& run) {
    const Shape sizes = run.out().shape();
    if (run.out().elements() == 0) return;
    const std::vector<std::int64_t> strides = broadcast_strides(run.in(0).shape(), sizes);
    with_words(run.in(0), run.out(), [&](const auto& from, const auto& to) { strided_copy(from.data(), sizes, strides, to.data()); });
  };
}

std::vector<OutputType> infer_tile(const InferRequest& request) {
  check_type(request, 0, movable_types);
  check_type(request, 1, index_types);
  const Shape* shape = request.shape(0);
  const auto repeats = request.integers(1);
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (shape == nullptr) return {output};
  output.shape = unknown_sizes(shape->size());
  if (!repeats) return {output};
  if (repeats->size() != shape->size()) request.refuse(cat("it repeats ", repeats->size(), " axes, the input has ", shape->size()));
  for (std::size_t axis = 0; axis < shape->size(); ++axis) {
    if ((*repeats)[axis] < 0) request.refuse("an axis is repeated a negative number of times");
    if ((*shape)[axis] >= 0) (*output.shape)[axis] = multiply_sizes(request, (*shape)[axis], (*repeats)[axis]);
  }
  return {output};
}

// Each axis is two loops: over the repeats, which do not move the source, and over its own size.
Step prepare_tile(const PrepareRequest&) {
  return [](RunContext& run) {
    const Shape& shape = run.in(0).shape();
    const std::vector<std::int64_t> own = strides_of(shape);
    std::vector<std::int64_t> sizes, strides;
    if (run.out().elements() == 0) return;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      sizes.insert(sizes.end(), {run.out().shape()[axis] / shape[axis], shape[axis]});
      strides.insert(strides.end(), {0, own[axis]});
    }
    with_words(run.in(0), run.out(), [&](const auto& from, const auto& to) { strided_copy(from.data(), sizes, strides, to.data()); });
  };
}

std::vector<OutputType> infer_trilu(const InferRequest& request) {
  check_type(request, 0, movable_types);
  if (request.has(1)) check_type(request, 1, index_types);
  const Shape* shape = request.shape(0);
  if (shape != nullptr && shape->size() < 2) request.refuse("the input has fewer than two axes");
  return like_first_input(request);
}

Step prepare_trilu(const PrepareRequest& request) {
  return [upper = request.node.integer("upper", 1) != 0](RunContext& run) {
    const Shape shape = run.in(0).shape();
    const std::int64_t rows = shape[shape.size() - 2], columns = shape.back();
    const std::vector<std::int64_t> given = numbers_at(run, 1);
    // The diagonal beyond the corners is as good as the corner.
    const std::int64_t diagonal = std::clamp(given.empty() ? std::int64_t{0} : given[0], -rows - 1, columns + 1);
    with_words(run.in(0), run.out(), [&](const auto& from, const auto& to) {
      using Word = std::decay_t<decltype(from[0])>;
      for (std::size_t index = 0; index < from.size(); ++index) {
        const auto position = static_cast<std::int64_t>(index);
        const std::int64_t column = position % columns, row = position / columns % rows;
        const bool kept = upper ? column >= row + diagonal : column <= row + diagonal;
        to[index] = kept ? from[index] : Word{};
      }
    });
  };
}

std::vector<OutputType> infer_reverse_sequence(const InferRequest& request) {
  check_type(request, 0, movable_types);
  check_type(request, 1, index_types);
  const std::int64_t batch = request.node.integer("batch_axis", 1), time = request.node.integer("time_axis", 0);
  if (!((batch == 0 && time == 1) || (batch == 1 && time == 0))) request.refuse("batch_axis and time_axis must be 0 and 1 or 1 and 0");
  const Shape* shape = request.shape(0);
  if (shape != nullptr && shape->size() < 2) request.refuse("the input has fewer than two axes");
  const Shape* lengths = request.shape(1);
  const bool wrong = lengths != nullptr &&
                     (lengths->size() != 1 || (shape != nullptr && (*lengths)[0] >= 0 && (*shape)[static_cast<std::size_t>(batch)] >= 0 &&
                                               (*lengths)[0] != (*shape)[static_cast<std::size_t>(batch)]));
  if (wrong) request.refuse("there is not one length for each sequence");
  return like_first_input(request);
}

Step prepare_reverse_sequence(const PrepareRequest& request) {
  return [batch_first = request.node.integer("batch_axis", 1) == 0](RunContext& run) {
    const Shape shape = run.in(0).shape();
    const std::int64_t batches = shape[batch_first ? 0 : 1], times = shape[batch_first ? 1 : 0];
    if (run.in(0).elements() == 0) return;
    const std::int64_t inner = run.in(0).elements() / (batches * times);
    const std::vector<std::int64_t> lengths = to_integers(run.in(1));
    for (const std::int64_t length : lengths) {
      if (length < 0 || length > times) throw_invalid(cat("a sequence length is ", length, ", the sequences have ", times));
    }
    with_words(run.in(0), run.out(), [&](const auto& from, const auto& to) {
      for (std::int64_t batch = 0; batch < batches; ++batch) {
        const std::int64_t length = lengths[static_cast<std::size_t>(batch)];
        for (std::int64_t time = 0; time < times; ++time) {
          const std::int64_t source = time < length ? length - 1 - time : time;
          const auto place = [&](std::int64_t at) { return (batch_first ? batch * times + at : at * batches + batch) * inner; };
          std::copy_n(from.data() + place(source), inner, to.data() + place(time));
        }
      }
    });
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "Slice", .last_opset = 9, .infer = infer_slice, .prepare = prepare_slice},
    {.type = "Slice",
     .first_opset = 10,
     .least_inputs = 3,
     .most_inputs = 5,
     .infer = infer_slice,
     .prepare = prepare_slice,
     .shape_inputs = 0b11110},
    {.type = "Expand",
     .first_opset = 8,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = infer_expand,
     .prepare = prepare_expand,
     .shape_inputs = 0b10},
    {.type = "Tile",
     .first_opset = 6,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = infer_tile,
     .prepare = prepare_tile,
     .shape_inputs = 0b10},
    {.type = "Trilu", .first_opset = 14, .most_inputs = 2, .infer = infer_trilu, .prepare = prepare_trilu},
    {.type = "ReverseSequence",
     .first_opset = 10,
     .least_inputs = 2,
     .most_inputs = 2,
     .infer = infer_reverse_sequence,
     .prepare = prepare_reverse_sequence},
};

}  // namespace

Family slice() { return rows; }

}  // namespace titrate::engine::ops
