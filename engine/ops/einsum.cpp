// Einsum: operands are contracted two at a time. Each is permuted to [shared, own, summed]; then every pair of rows is a dot product.
#include <algorithm>
#include <numeric>

#include "engine/ops/convert.hpp"
#include "engine/ops/dot.hpp"
#include "engine/ops/einsum_equation.hpp"
#include "engine/ops/reduction_loops.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/strided_copy.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/words.hpp"

namespace titrate::engine::ops {
namespace {

std::vector<OutputType> infer_einsum(const InferRequest& request) {
  check_type(request, 0, number_types);
  const std::string text = request.node.text("equation", "");
  check_einsum(text);
  OutputType output{.type = common_type(request), .shape = std::nullopt};
  std::vector<Shape> shapes;
  std::vector<std::size_t> ranks;
  for (std::size_t index = 0; index < request.inputs.size(); ++index) {
    (void)request.need(index);
    if (request.shape(index) == nullptr) return {output};
    shapes.push_back(*request.shape(index));
    ranks.push_back(shapes.back().size());
  }
  const EinsumEquation equation = parse_einsum(text, ranks);
  const std::vector<std::int64_t> sizes = label_sizes(equation, shapes);
  output.shape.emplace();
  for (const int label : equation.result) output.shape->push_back(sizes[static_cast<std::size_t>(label)]);
  return {output};
}

// A tensor whose axes carry labels, row-major.
template <class T>
struct Labelled {
  std::vector<int> labels;
  std::vector<T> elements;
};

using Sizes = std::vector<std::int64_t>;  // of each label

Shape shape_of(const std::vector<int>& labels, const Sizes& sizes) {
  Shape shape;
  for (const int label : labels) shape.push_back(sizes[static_cast<std::size_t>(label)]);
  return shape;
}

// Reads a tensor so that its axes are the labels in the order given: a label that it has twice is read along the diagonal, one that it has
// with size 1 or not at all is repeated.
template <class T>
std::vector<T> arranged(const T* source, const Shape& shape, const std::vector<int>& labels, const std::vector<int>& order,
                        const Sizes& sizes) {
  const std::vector<std::int64_t> own = strides_of(shape);
  std::vector<std::int64_t> strides(order.size(), 0);
  for (std::size_t axis = 0; axis < labels.size(); ++axis) {
    const auto place = std::find(order.begin(), order.end(), labels[axis]);
    if (shape[axis] != 1) strides[static_cast<std::size_t>(place - order.begin())] += own[axis];
  }
  const Shape target = shape_of(order, sizes);
  std::vector<T> elements(static_cast<std::size_t>(element_count(target)));
  if (!elements.empty()) strided_copy(source, target, strides, elements.data());
  return elements;
}

bool contains(const std::vector<int>& labels, int label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); }

template <class T>
Labelled<T> read_operand(const Tensor& tensor, const std::vector<int>& labels, const Sizes& sizes) {
  Labelled<T> operand;
  for (const int label : labels) {
    if (!contains(operand.labels, label)) operand.labels.push_back(label);
  }
  operand.elements = arranged(tensor.data<T>().data(), tensor.shape(), labels, operand.labels, sizes);
  return operand;
}

std::int64_t count_of(const std::vector<int>& labels, const Sizes& sizes) { return element_count(shape_of(labels, sizes)); }

std::vector<int> joined(std::initializer_list<std::vector<int>> lists) {
  std::vector<int> all;
  for (const std::vector<int>& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

// A running sum that wraps for integers.
template <class T>
using Total = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;

// The product of two operands, summed over every label that neither the result nor a later operand needs.
template <class T>
Labelled<T> contract(const Labelled<T>& left, const Labelled<T>& right, const std::vector<int>& needed, const Sizes& sizes) {
  std::vector<int> shared, summed, only_left, only_right;
  for (const int label : left.labels) {
    if (!contains(right.labels, label))
      only_left.push_back(label);
    else
      (contains(needed, label) ? shared : summed).push_back(label);
  }
  for (const int label : right.labels) {
    if (!contains(left.labels, label)) only_right.push_back(label);
  }
  const auto shape = [&](const Labelled<T>& operand) { return shape_of(operand.labels, sizes); };
  const std::vector<T> a = arranged(left.elements.data(), shape(left), left.labels, joined({shared, only_left, summed}), sizes);
  const std::vector<T> b = arranged(right.elements.data(), shape(right), right.labels, joined({shared, only_right, summed}), sizes);
  const std::int64_t batches = count_of(shared, sizes), rows = count_of(only_left, sizes), columns = count_of(only_right, sizes);
  const std::int64_t depth = count_of(summed, sizes);
  Labelled<T> product{.labels = joined({shared, only_left, only_right}), .elements = {}};
  product.elements.resize(static_cast<std::size_t>(count_of(product.labels, sizes)));
  T* out = product.elements.data();
  for (std::int64_t batch = 0; batch < batches; ++batch) {
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t column = 0; column < columns; ++column) {
        *out++ = dot(a.data() + (batch * rows + row) * depth, b.data() + (batch * columns + column) * depth, depth);
      }
    }
  }
  return product;
}

template <class T>
struct Sum {
  using State = Total<T>;
  static State start() { return State{0}; }
  static State add(State sum, T x) { return sum + static_cast<State>(x); }
  static State join(State left, State right) { return left + right; }
  static T result(State sum, std::int64_t) { return static_cast<T>(sum); }
};

// Sums over the labels that nobody needs.
template <class T>
Labelled<T> summed(const Labelled<T>& operand, const std::vector<int>& needed, const Sizes& sizes) {
  Labelled<T> result;
  std::vector<bool> reduced;
  for (const int label : operand.labels) {
    reduced.push_back(!contains(needed, label));
    if (!reduced.back()) result.labels.push_back(label);
  }
  result.elements.resize(static_cast<std::size_t>(count_of(result.labels, sizes)));
  ReductionLoops(shape_of(operand.labels, sizes), reduced).template reduce<Sum<T>>(operand.elements.data(), result.elements.data());
  return result;
}

// The labels of the result and of operands from `next` on.
std::vector<int> needed_after(const EinsumEquation& equation, std::size_t next) {
  std::vector<int> needed = equation.result;
  for (std::size_t index = next; index < equation.operands.size(); ++index) {
    needed.insert(needed.end(), equation.operands[index].begin(), equation.operands[index].end());
  }
  return needed;
}

template <class T>
void einsum(RunContext& run, const EinsumEquation& equation, const Sizes& sizes) {
  Labelled<T> total = read_operand<T>(run.in(0), equation.operands[0], sizes);
  total = summed(total, needed_after(equation, 1), sizes);
  for (std::size_t index = 1; index < run.inputs.size(); ++index) {
    Labelled<T> operand = read_operand<T>(run.in(index), equation.operands[index], sizes);
    std::vector<int> needed = needed_after(equation, index + 1);
    operand = summed(operand, joined({needed, total.labels}), sizes);
    total = contract(total, operand, needed, sizes);
    total = summed(total, needed, sizes);
  }
  const std::vector<T> result = arranged(total.elements.data(), shape_of(total.labels, sizes), total.labels, equation.result, sizes);
  std::copy(result.begin(), result.end(), run.out().mutable_data<T>().begin());
}

Step prepare_einsum(const PrepareRequest& request) {
  return through_float32([text = request.node.text("equation", "")](RunContext& run) {
    std::vector<Shape> shapes;
    std::vector<std::size_t> ranks;
    for (const Tensor* input : run.inputs) {
      shapes.push_back(input->shape());
      ranks.push_back(input->shape().size());
    }
    const EinsumEquation equation = parse_einsum(text, ranks);
    const Sizes sizes = label_sizes(equation, shapes);
    with_type(NumberTypes{}, run.in(0).type(), [&]<class T>(TypeTag<T>) { einsum<T>(run, equation, sizes); });
  });
}

constexpr OperatorDefinition rows[] = {
    {.type = "Einsum", .first_opset = 12, .most_inputs = -1, .infer = infer_einsum, .prepare = prepare_einsum},
};

}  // namespace

Family einsum() { return rows; }

}  // namespace titrate::engine::ops
