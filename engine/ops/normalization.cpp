// BatchNormalization (inference), InstanceNormalization, LayerNormalization, GroupNormalization, LRN, LpNormalization,
// MeanVarianceNormalization. Sums of float32 run in double, in a fixed order, so that they are the
// same on every machine.
#include <algorithm>
#include <cmath>

#include "engine/kernels/elementwise/elementwise.hpp"
#include "engine/kernels/normalization/normalization.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/widened.hpp"

namespace titrate::engine::ops {
namespace {

std::vector<OutputType> infer_same(const InferRequest& request) { return {{.type = request.type(0), .shape = request.inputs[0].shape}}; }

template <Step (*of_float)(const PrepareRequest&), Step (*of_double)(const PrepareRequest&)>
Step prepare_floats(const PrepareRequest& request) {
  switch (request.type(0)) {
    case DataType::float32:
      return of_float(request);
    case DataType::float64:
      return of_double(request);
    case DataType::float16:
    case DataType::bfloat16:
      return prepare_widened(request, of_float);
    default:
      request.refuse(cat(request.node.type, " of ", name_of(request.type(0)), " is not supported"));
  }
}

using kernels::Moments;

template <class T>
Moments moments_of(std::span<const T> elements) {
  if constexpr (std::is_same_v<T, float>) return kernels::normalization_kernels(selected_isa()).moments(elements.data(), elements.size());
  double sum = 0;
  for (const T element : elements) sum += static_cast<double>(element);
  const double mean = sum / static_cast<double>(elements.size());
  double squares = 0;
  for (const T element : elements) squares += (static_cast<double>(element) - mean) * (static_cast<double>(element) - mean);
  return {mean, squares / static_cast<double>(elements.size())};
}

template <class T>
void scale_and_shift(std::span<const T> source, T factor, T addend, T* target) {
  if constexpr (std::is_same_v<T, float>) {
    kernels::elementwise_kernels(selected_isa()).scale_and_shift(source.data(), factor, addend, target, source.size());
  } else {
    for (std::size_t i = 0; i < source.size(); ++i) target[i] = source[i] * factor + addend;
  }
}

// (x - mean) * factor + addend: unlike x * factor + constant it does not cancel where the deviation is small beside the mean.
template <class T>
void normalize(std::span<const T> source, T mean, T factor, T addend, T* target) {
  if constexpr (std::is_same_v<T, float>) {
    return kernels::normalization_kernels(selected_isa()).normalize(source.data(), mean, factor, addend, target, source.size());
  }
  for (std::size_t i = 0; i < source.size(); ++i) target[i] = (source[i] - mean) * factor + addend;
}

void check_channels(const InferRequest& request, std::size_t first, std::size_t last) {
  const Shape* input = request.shape(0);
  if (input == nullptr) return;
  if (input->size() < 2) request.refuse(cat("the input ", to_text(*input), " has no channels"));
  for (std::size_t index = first; index <= last; ++index) {
    const Shape* shape = request.shape(index);
    if (shape == nullptr) continue;
    if (shape->size() != 1 || ((*shape)[0] >= 0 && (*input)[1] >= 0 && (*shape)[0] != (*input)[1])) {
      request.refuse(cat("input ", index, " has the shape ", to_text(*shape), ", the channels are ", (*input)[1]));
    }
  }
}

// --- BatchNormalization

std::vector<OutputType> infer_batch(const InferRequest& request) {
  if (request.node.integer("training_mode", 0) != 0 || request.node.has_output(1)) {
    throw_invalid("BatchNormalization in training mode is not supported", request.node.described(), "export the model for inference");
  }
  if (request.node.integer("spatial", 1) == 0) request.refuse("spatial = 0 is not supported");
  if (const Shape* input = request.shape(0); input != nullptr && input->size() == 1) request.refuse("the input has one axis");
  check_channels(request, 1, 4);
  return infer_same(request);
}

// scale, bias, mean and variance may be of another float type than the input (opset 14 and later).
template <class T>
Step prepare_batch_of(const PrepareRequest& request) {
  const auto epsilon = static_cast<double>(request.node.number("epsilon", 1e-5F));
  return [epsilon](RunContext& run) {
    if (run.out().elements() == 0) return;
    const auto channels = static_cast<std::size_t>(run.in(0).shape()[1]);
    const auto planes = static_cast<std::size_t>(run.in(0).shape()[0]) * channels;
    const std::span<const T> input = run.in(0).data<T>();
    T* output = run.out().template mutable_data<T>().data();
    const std::size_t size = input.size() / planes;
    const auto scale = to_doubles(run.in(1));
    const auto bias = to_doubles(run.in(2));
    const auto mean = to_doubles(run.in(3));
    const auto variance = to_doubles(run.in(4));
    kernels::parallel_for(planes, [&](std::size_t plane, std::size_t) {
      const std::size_t channel = plane % channels;
      const double factor = scale[channel] / std::sqrt(variance[channel] + epsilon);
      scale_and_shift<T>(input.subspan(plane * size, size), static_cast<T>(factor), static_cast<T>(bias[channel] - mean[channel] * factor),
                         output + plane * size);
    });
  };
}

// --- Instance, group and layer normalization: moments of neighbouring elements

template <class T>
Step prepare_instance_of(const PrepareRequest& request) {
  const auto epsilon = static_cast<double>(request.node.number("epsilon", 1e-5F));
  return [epsilon](RunContext& run) {
    if (run.out().elements() == 0) return;
    const auto channels = static_cast<std::size_t>(run.in(0).shape()[1]);
    const auto planes = static_cast<std::size_t>(run.in(0).shape()[0]) * channels;
    const std::span<const T> input = run.in(0).data<T>();
    T* output = run.out().template mutable_data<T>().data();
    const std::size_t size = input.size() / planes;
    kernels::parallel_for(planes, [&](std::size_t plane, std::size_t) {
      const std::span<const T> own = input.subspan(plane * size, size);
      const Moments moments = moments_of(own);
      const double factor = static_cast<double>(run.in(1).data<T>()[plane % channels]) / std::sqrt(moments.variance + epsilon);
      normalize<T>(own, static_cast<T>(moments.mean), static_cast<T>(factor), run.in(2).data<T>()[plane % channels], output + plane * size);
    });
  };
}

std::vector<OutputType> infer_instance(const InferRequest& request) {
  check_channels(request, 1, 2);
  return infer_same(request);
}

std::vector<OutputType> infer_group(const InferRequest& request) {
  const std::int64_t groups = request.node.integer("num_groups", 0);
  if (groups < 1) request.refuse(cat("num_groups is ", groups));
  if (const Shape* input = request.shape(0)) {
    if (input->size() < 2) request.refuse(cat("the input ", to_text(*input), " has no channels"));
    const std::int64_t channels = (*input)[1];
    if (channels >= 0 && channels % groups != 0) request.refuse(cat(channels, " channels cannot be cut into ", groups, " groups"));
    const std::int64_t wanted = request.opset < 21 ? groups : channels;
    for (const std::size_t index : {std::size_t{1}, std::size_t{2}}) {
      const Shape* shape = request.shape(index);
      if (shape != nullptr && (shape->size() != 1 || ((*shape)[0] >= 0 && wanted >= 0 && (*shape)[0] != wanted))) {
        request.refuse(cat("input ", index, " has the shape ", to_text(*shape), ", not [", wanted, "]"));
      }
    }
  }
  return infer_same(request);
}

// Scale and bias are one number a group up to opset 20, one a channel from 21 on.
template <class T>
Step prepare_group_of(const PrepareRequest& request) {
  const auto epsilon = static_cast<double>(request.node.number("epsilon", 1e-5F));
  const auto groups = static_cast<std::size_t>(request.node.integer("num_groups", 1));
  return [epsilon, groups, by_group = request.opset < 21](RunContext& run) {
    if (run.out().elements() == 0) return;
    const auto batch = static_cast<std::size_t>(run.in(0).shape()[0]);
    const std::size_t channels = static_cast<std::size_t>(run.in(0).shape()[1]) / groups;
    const std::span<const T> input = run.in(0).data<T>();
    T* output = run.out().template mutable_data<T>().data();
    const std::size_t size = input.size() / (batch * groups);
    const std::size_t plane = size / channels;
    kernels::parallel_for(batch * groups, [&](std::size_t index, std::size_t) {
      const Moments moments = moments_of(input.subspan(index * size, size));
      for (std::size_t channel = 0; channel < channels; ++channel) {
        const std::size_t parameter = by_group ? index % groups : index % groups * channels + channel;
        const double factor = static_cast<double>(run.in(1).data<T>()[parameter]) / std::sqrt(moments.variance + epsilon);
        const std::size_t first = index * size + channel * plane;
        normalize<T>(input.subspan(first, plane), static_cast<T>(moments.mean), static_cast<T>(factor), run.in(2).data<T>()[parameter],
                     output + first);
      }
    });
  };
}

bool stretches_to(const Shape& from, std::span<const std::int64_t> to) {
  if (from.size() > to.size()) return false;
  for (std::size_t back = 1; back <= from.size(); ++back) {
    const std::int64_t size = from[from.size() - back];
    const std::int64_t wanted = to[to.size() - back];
    if (size != 1 && size >= 0 && wanted >= 0 && size != wanted) return false;
  }
  return true;
}

std::vector<OutputType> infer_layer(const InferRequest& request) {
  OutputType moments{.type = request.type(0) == DataType::float64 ? DataType::float64 : DataType::float32, .shape = std::nullopt};
  if (const Shape* input = request.shape(0)) {
    const std::size_t axis = request.axis(request.node.integer("axis", -1), input->size());
    for (const std::size_t index : {std::size_t{1}, std::size_t{2}}) {
      const Shape* shape = request.shape(index);
      if (shape != nullptr && !stretches_to(*shape, std::span(*input).subspan(axis))) {
        request.refuse(cat("input ", index, " has the shape ", to_text(*shape), ", which does not stretch to the axes from ", axis,
                           " on of ", to_text(*input)));
      }
    }
    moments.shape = *input;
    std::fill(moments.shape->begin() + static_cast<std::ptrdiff_t>(axis), moments.shape->end(), 1);
  }
  return {{.type = request.type(0), .shape = request.inputs[0].shape}, moments, moments};
}

// Element `index` of [sizes] in a tensor that stretches to it.
std::size_t stretched_index(std::size_t index, std::span<const std::int64_t> sizes, const Shape& from) {
  std::size_t position = 0;
  std::size_t stride = 1;
  for (std::size_t back = 1; back <= from.size(); ++back) {
    const auto size = static_cast<std::size_t>(sizes[sizes.size() - back]);
    const auto own = static_cast<std::size_t>(from[from.size() - back]);
    if (own != 1) position += index % size * stride;
    stride *= own;
    index /= size;
  }
  return position;
}

// A parameter stretched to one row of the input.
template <class T>
std::vector<T> stretched(const Tensor& tensor, std::span<const std::int64_t> sizes, std::size_t count) {
  std::vector<T> row(count);
  for (std::size_t i = 0; i < count; ++i) row[i] = tensor.data<T>()[stretched_index(i, sizes, tensor.shape())];
  return row;
}

// (x - mean) * factor * scale + bias, with a scale and a bias for each element.
template <class T>
void normalize_each(std::span<const T> source, T mean, T factor, const std::vector<T>& scale, const std::vector<T>& bias, T* target) {
  if constexpr (std::is_same_v<T, float>) {
    return kernels::normalization_kernels(selected_isa())
        .normalize_each(source.data(), mean, factor, scale.data(), bias.data(), target, source.size());
  }
  for (std::size_t i = 0; i < source.size(); ++i) target[i] = (source[i] - mean) * factor * scale[i] + bias[i];
}

template <class T>
Step prepare_layer_of(const PrepareRequest& request) {
  const auto epsilon = static_cast<double>(request.node.number("epsilon", 1e-5F));
  const std::int64_t wanted = request.node.integer("axis", -1);
  return [epsilon, wanted](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Shape& shape = run.in(0).shape();
    const auto axis = static_cast<std::size_t>(wanted < 0 ? wanted + static_cast<std::int64_t>(shape.size()) : wanted);
    const std::span<const std::int64_t> sizes = std::span(shape).subspan(axis);
    const auto size = static_cast<std::size_t>(element_count(sizes));
    const std::span<const T> input = run.in(0).data<T>();
    T* output = run.out().template mutable_data<T>().data();
    const std::vector<T> scale = stretched<T>(run.in(1), sizes, size);
    const std::vector<T> bias = run.has(2) ? stretched<T>(run.in(2), sizes, size) : std::vector<T>(size, T{0});
    kernels::parallel_for(input.size() / size, [&](std::size_t row, std::size_t) {
      const std::span<const T> own = input.subspan(row * size, size);
      const Moments moments = moments_of(own);
      const double inverse = 1 / std::sqrt(moments.variance + epsilon);
      const auto mean = static_cast<T>(moments.mean);
      const auto factor = static_cast<T>(inverse);
      normalize_each<T>(own, mean, factor, scale, bias, output + row * size);
      if (run.outputs.size() > 1 && run.out(1).exists()) run.out(1).template mutable_data<T>()[row] = mean;
      if (run.outputs.size() > 2 && run.out(2).exists()) run.out(2).template mutable_data<T>()[row] = factor;
    });
  };
}

// --- LRN: across channels

std::vector<OutputType> infer_lrn(const InferRequest& request) {
  if (request.node.integer("size", 0) < 1) request.refuse("size must be at least 1");
  if (const Shape* input = request.shape(0); input != nullptr && input->size() < 2) request.refuse("the input has no channels");
  return infer_same(request);
}

template <class T>
Step prepare_lrn_of(const PrepareRequest& request) {
  const std::int64_t size = request.node.integer("size", 1);
  const auto alpha = static_cast<T>(request.node.number("alpha", 1e-4F)) / static_cast<T>(size);
  const auto beta = static_cast<T>(request.node.number("beta", 0.75F));
  const auto bias = static_cast<T>(request.node.number("bias", 1.0F));
  return [=](RunContext& run) {
    if (run.out().elements() == 0) return;
    const std::int64_t channels = run.in(0).shape()[1];
    const std::int64_t planes = run.in(0).shape()[0] * channels;
    const std::int64_t plane_size = run.in(0).elements() / planes;
    const T* input = run.in(0).data<T>().data();
    T* output = run.out().template mutable_data<T>().data();
    kernels::parallel_for(static_cast<std::size_t>(planes), [&](std::size_t index, std::size_t) {
      const auto plane = static_cast<std::int64_t>(index);
      const std::int64_t channel = plane % channels;
      const std::int64_t first = std::max<std::int64_t>(0, channel - (size - 1) / 2);
      const std::int64_t last = std::min(channels - 1, channel + size / 2);
      const T* own = input + plane * plane_size;
      T* target = output + plane * plane_size;
      std::fill_n(target, plane_size, T{0});
      for (std::int64_t other = first; other <= last; ++other) {
        const T* source = own + (other - channel) * plane_size;
        for (std::int64_t i = 0; i < plane_size; ++i) target[i] += source[i] * source[i];
      }
      for (std::int64_t i = 0; i < plane_size; ++i) target[i] = own[i] / std::pow(bias + alpha * target[i], beta);
    });
  };
}

// --- LpNormalization: along one axis

std::vector<OutputType> infer_lp(const InferRequest& request) {
  const std::int64_t p = request.node.integer("p", 2);
  if (p != 1 && p != 2) request.refuse(cat("p is ", p, ", 1 and 2 are known"));
  if (const Shape* input = request.shape(0)) (void)request.axis(request.node.integer("axis", -1), input->size());
  return infer_same(request);
}

template <class T>
Step prepare_lp_of(const PrepareRequest& request) {
  const bool squares = request.node.integer("p", 2) == 2;
  const std::int64_t wanted = request.node.integer("axis", -1);
  return [squares, wanted](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Shape& shape = run.in(0).shape();
    const auto axis = wanted < 0 ? wanted + static_cast<std::int64_t>(shape.size()) : wanted;
    const auto size = static_cast<std::size_t>(shape[static_cast<std::size_t>(axis)]);
    const auto stride = static_cast<std::size_t>(element_count(Shape(shape.begin() + axis + 1, shape.end())));
    const std::span<const T> input = run.in(0).data<T>();
    T* output = run.out().template mutable_data<T>().data();
    kernels::parallel_for(input.size() / size, [&](std::size_t group, std::size_t) {
      const std::size_t first = group / stride * size * stride + group % stride;
      double sum = 0;
      for (std::size_t i = 0; i < size; ++i) {
        const auto element = static_cast<double>(input[first + i * stride]);
        sum += squares ? element * element : std::abs(element);
      }
      const auto norm = static_cast<T>(squares ? std::sqrt(sum) : sum);
      for (std::size_t i = 0; i < size; ++i) output[first + i * stride] = norm == T{0} ? T{0} : input[first + i * stride] / norm;
    });
  };
}

// --- MeanVarianceNormalization: (x - mean) / (deviation + 1e-9) over any axes, as ONNX's function body has it

std::vector<bool> reduced_axes(const Node& node, std::size_t rank) {
  std::vector<bool> reduced(rank, false);
  for (std::int64_t axis : node.integers("axes", {0, 2, 3})) {
    const auto size = static_cast<std::int64_t>(rank);
    if (axis < -size || axis >= size) throw_invalid(cat("axis ", axis, " is outside the rank ", rank), node.described());
    reduced[static_cast<std::size_t>(axis < 0 ? axis + size : axis)] = true;
  }
  return reduced;
}

std::vector<OutputType> infer_mean_variance(const InferRequest& request) {
  if (const Shape* input = request.shape(0)) (void)reduced_axes(request.node, input->size());
  return infer_same(request);
}

// For each element the group whose moments it belongs to: its position on the axes that are kept.
std::vector<std::size_t> groups_of(const Shape& shape, const std::vector<bool>& reduced) {
  std::vector<std::size_t> groups(static_cast<std::size_t>(element_count(shape)), 0);
  std::size_t inner = 1;
  std::size_t stride = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    const auto size = static_cast<std::size_t>(shape[axis]);
    if (!reduced[axis]) {
      for (std::size_t i = 0; i < groups.size(); ++i) groups[i] += i / inner % size * stride;
      stride *= size;
    }
    inner *= size;
  }
  return groups;
}

template <class T>
Step prepare_mean_variance_of(const PrepareRequest& request) {
  return [node = request.node](RunContext& run) {
    if (run.out().elements() == 0) return;
    const std::span<const T> input = run.in(0).data<T>();
    T* output = run.out().template mutable_data<T>().data();
    const auto groups = groups_of(run.in(0).shape(), reduced_axes(node, run.in(0).shape().size()));
    const std::size_t count = *std::max_element(groups.begin(), groups.end()) + 1;
    std::vector<double> means(count, 0);
    std::vector<double> squares(count, 0);
    const double size = static_cast<double>(input.size()) / static_cast<double>(count);
    for (std::size_t i = 0; i < input.size(); ++i) means[groups[i]] += static_cast<double>(input[i]) / size;
    for (std::size_t i = 0; i < input.size(); ++i) {
      const double distance = static_cast<double>(input[i]) - means[groups[i]];
      squares[groups[i]] += distance * distance;
    }
    for (std::size_t i = 0; i < input.size(); ++i) {
      const double deviation = std::sqrt(squares[groups[i]] / size);
      output[i] = static_cast<T>((static_cast<double>(input[i]) - means[groups[i]]) / (deviation + 1e-9));
    }
  };
}

constexpr OperatorDefinition rows[] = {
    {.type = "BatchNormalization",
     .first_opset = 7,
     .least_inputs = 5,
     .most_inputs = 5,
     .infer = infer_batch,
     .prepare = prepare_floats<prepare_batch_of<float>, prepare_batch_of<double>>},
    {.type = "InstanceNormalization",
     .least_inputs = 3,
     .most_inputs = 3,
     .infer = infer_instance,
     .prepare = prepare_floats<prepare_instance_of<float>, prepare_instance_of<double>>},
    {.type = "LayerNormalization",
     .first_opset = 17,
     .least_inputs = 2,
     .most_inputs = 3,
     .infer = infer_layer,
     .prepare = prepare_floats<prepare_layer_of<float>, prepare_layer_of<double>>},
    {.type = "GroupNormalization",
     .first_opset = 18,
     .least_inputs = 3,
     .most_inputs = 3,
     .infer = infer_group,
     .prepare = prepare_floats<prepare_group_of<float>, prepare_group_of<double>>},
    {.type = "LRN", .infer = infer_lrn, .prepare = prepare_floats<prepare_lrn_of<float>, prepare_lrn_of<double>>},
    {.type = "LpNormalization", .infer = infer_lp, .prepare = prepare_floats<prepare_lp_of<float>, prepare_lp_of<double>>},
    {.type = "MeanVarianceNormalization",
     .first_opset = 9,
     .infer = infer_mean_variance,
     .prepare = prepare_floats<prepare_mean_variance_of<float>, prepare_mean_variance_of<double>>},
};

}  // namespace

Family normalization() { return rows; }

}  // namespace titrate::engine::ops
