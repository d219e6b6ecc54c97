// MaxPool, AveragePool, LpPool and their global forms, 1-D to 3-D. A window is separable: rows are combined first, over whole rows of the
// image, then what is left along the width.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <type_traits>

#include "engine/kernels/max_pool/max_pool.hpp"
#include "engine/kernels/threads.hpp"
#include "engine/ops/table.hpp"
#include "engine/ops/widened.hpp"
#include "engine/ops/window.hpp"

namespace titrate::engine::ops {
namespace {

// The window on three axes, for the sizes of a run.
struct PoolGeometry {
  kernels::Sizes3 input, output, kernel, stride, dilation, pad_begin, pad_end;
  std::int64_t planes;  // batch * channels

  PoolGeometry(const Window& window, const Shape& in, const Shape& out, const Node& node) : planes(in[0] * in[1]) {
    input = three(Shape(in.begin() + 2, in.end()));
    output = three(Shape(out.begin() + 2, out.end()));
    kernel = three(window.kernel);
    stride = three(window.stride);
    dilation = three(window.dilation);
    Shape begin;
    Shape end;
    for (std::size_t axis = 0; axis < window.rank(); ++axis) {
      const WindowAxis placed = place(window, axis, in[axis + 2], node);
      begin.push_back(placed.pad_begin);
      end.push_back(placed.pad_end);
    }
    pad_begin = three(begin, 0);
    pad_end = three(end, 0);
  }
  [[nodiscard]] std::int64_t input_size() const { return input[0] * input[1] * input[2]; }
  [[nodiscard]] std::int64_t output_size() const { return output[0] * output[1] * output[2]; }
  /// Where tap `tap` of output `at` reads; outside [0, input[axis]) is padding.
  [[nodiscard]] std::int64_t source(std::size_t axis, std::int64_t at, std::int64_t tap) const {
    return at * stride[axis] - pad_begin[axis] + tap * dilation[axis];
  }
  [[nodiscard]] bool inside(std::size_t axis, std::int64_t position) const { return position >= 0 && position < input[axis]; }
  /// The taps of output `at` that lie in the image, or in image and padding: with ceil_mode a window may reach further still.
  [[nodiscard]] std::int64_t count(std::size_t axis, std::int64_t at, bool with_padding) const {
    std::int64_t taps = 0;
    for (std::int64_t tap = 0; tap < kernel[axis]; ++tap) {
      const std::int64_t position = source(axis, at, tap);
      taps += with_padding ? position < input[axis] + pad_end[axis] : inside(axis, position);
    }
    return taps;
  }
};

template <class T>
struct Largest {
  static constexpr T start = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
  T operator()(T a, T b) const { return a < b ? b : a; }
};

template <class T>
struct Sum {
  static constexpr T start = 0;
  T operator()(T a, T b) const { return a + b; }
};

// Output row (d, h) of a plane: `row` takes the image's rows combined, then its columns are combined into `target`.
template <class T, class Combine, class Map>
void pool_row(const PoolGeometry& geometry, const T* plane, std::int64_t d, std::int64_t h, std::span<T> row, T* target, const Map& map) {
  constexpr Combine combine;
  std::fill(row.begin(), row.end(), Combine::start);
  for (std::int64_t tap_d = 0; tap_d < geometry.kernel[0]; ++tap_d) {
    const std::int64_t in_d = geometry.source(0, d, tap_d);
    if (!geometry.inside(0, in_d)) continue;
    for (std::int64_t tap_h = 0; tap_h < geometry.kernel[1]; ++tap_h) {
      const std::int64_t in_h = geometry.source(1, h, tap_h);
      if (!geometry.inside(1, in_h)) continue;
      const T* source = plane + (in_d * geometry.input[1] + in_h) * geometry.input[2];
      for (std::size_t w = 0; w < row.size(); ++w) row[w] = combine(row[w], map(source[w]));
    }
  }
  std::fill_n(target, geometry.output[2], Combine::start);
  for (std::int64_t tap = 0; tap < geometry.kernel[2]; ++tap) {
    const std::int64_t stride = geometry.stride[2];
    const std::int64_t first = geometry.source(2, 0, tap);
    const std::int64_t begin = first >= 0 ? 0 : std::min(geometry.output[2], (-first + stride - 1) / stride);
    const std::int64_t room = geometry.input[2] - first;
    const std::int64_t end = room <= 0 ? 0 : std::min(geometry.output[2], (room + stride - 1) / stride);
    const T* source = row.data() + first;
    if (stride == 2) {  // a constant that the compiler makes shuffles of
      for (std::int64_t w = begin; w < end; ++w) target[w] = combine(target[w], source[w * 2]);
    } else {
      for (std::int64_t w = begin; w < end; ++w) target[w] = combine(target[w], source[w * stride]);
    }
  }
}

template <class T, class Combine, class Map>
void pool(const PoolGeometry& geometry, const T* input, T* output, const Map& map) {
  const auto width = static_cast<std::size_t>(geometry.input[2]);
  std::vector<T> rows(width * static_cast<std::size_t>(kernels::thread_count()));
  kernels::parallel_for(static_cast<std::size_t>(geometry.planes), [&](std::size_t plane, std::size_t thread) {
    const std::span<T> row = std::span(rows).subspan(thread * width, width);
    T* target = output + static_cast<std::int64_t>(plane) * geometry.output_size();
    for (std::int64_t d = 0; d < geometry.output[0]; ++d) {
      for (std::int64_t h = 0; h < geometry.output[1]; ++h, target += geometry.output[2]) {
        pool_row<T, Combine>(geometry, input + static_cast<std::int64_t>(plane) * geometry.input_size(), d, h, row, target, map);
      }
    }
  });
}

constexpr auto as_it_is = [](auto value) { return value; };

// --- MaxPool

struct Position {
  std::int64_t d, h, w;
};

// The first position that holds the largest value of a window, in row-major order; d = -1 where the window lies in the padding alone.
template <class T>
Position largest_at(const PoolGeometry& geometry, const T* plane, const Position& at) {
  Position found{-1, -1, -1};
  T best{};
  for (std::int64_t tap_d = 0; tap_d < geometry.kernel[0]; ++tap_d) {
    for (std::int64_t tap_h = 0; tap_h < geometry.kernel[1]; ++tap_h) {
      for (std::int64_t tap_w = 0; tap_w < geometry.kernel[2]; ++tap_w) {
        const Position in{geometry.source(0, at.d, tap_d), geometry.source(1, at.h, tap_h), geometry.source(2, at.w, tap_w)};
        if (!geometry.inside(0, in.d) || !geometry.inside(1, in.h) || !geometry.inside(2, in.w)) continue;
        const T value = plane[(in.d * geometry.input[1] + in.h) * geometry.input[2] + in.w];
        if (found.d < 0 || value > best) {
          best = value;
          found = in;
        }
      }
    }
  }
  return found;
}

// Indices count through the whole input; column_major only turns the order inside a plane.
template <class T>
void max_with_indices(const PoolGeometry& geometry, bool column_major, const T* input, T* output, std::int64_t* indices) {
  const kernels::Sizes3& size = geometry.input;
  kernels::parallel_for(static_cast<std::size_t>(geometry.planes), [&](std::size_t index, std::size_t) {
    const auto plane = static_cast<std::int64_t>(index);
    const T* source = input + plane * geometry.input_size();
    std::int64_t target = plane * geometry.output_size();
    for (std::int64_t d = 0; d < geometry.output[0]; ++d) {
      for (std::int64_t h = 0; h < geometry.output[1]; ++h) {
        for (std::int64_t w = 0; w < geometry.output[2]; ++w, ++target) {
          const Position at = largest_at(geometry, source, {d, h, w});
          const std::int64_t row_major = (at.d * size[1] + at.h) * size[2] + at.w;
          output[target] = at.d < 0 ? Largest<T>::start : source[row_major];
          const std::int64_t inside = column_major ? (at.w * size[1] + at.h) * size[0] + at.d : row_major;
          indices[target] = at.d < 0 ? -1 : plane * geometry.input_size() + inside;
        }
      }
    }
  });
}

// Planes without dilation whose windows are 1 or 2 columns apart have a kernel.
bool has_max_kernel(const PoolGeometry& geometry) {
  const bool flat = geometry.input[0] == 1 && geometry.kernel[0] == 1 && geometry.output[0] == 1 && geometry.pad_begin[0] == 0;
  return flat && geometry.dilation[1] == 1 && geometry.dilation[2] == 1 && geometry.stride[2] <= 2;
}

void max_by_kernel(const PoolGeometry& geometry, const float* input, float* output) {
  const auto size = [](std::int64_t given) { return static_cast<std::size_t>(given); };
  const kernels::MaxPoolRun run = kernels::max_pool_kernels(selected_isa()).planes[geometry.stride[2] - 1];
  const std::size_t row = kernels::max_pool_rows_size(size(geometry.output[2]), size(geometry.kernel[2]), size(geometry.stride[2]));
  std::vector<float> rows(row * size(kernels::thread_count()), Largest<float>::start);
  kernels::parallel_for(size(geometry.planes), [&](std::size_t plane, std::size_t thread) {
    run({.image = input + plane * size(geometry.input_size()),
         .rows = size(geometry.input[1]),
         .columns = size(geometry.input[2]),
         .pad_top = size(geometry.pad_begin[1]),
         .pad_left = size(geometry.pad_begin[2]),
         .taps_down = size(geometry.kernel[1]),
         .taps_across = size(geometry.kernel[2]),
         .stride_down = size(geometry.stride[1]),
         .outputs = output + plane * size(geometry.output_size()),
         .output_rows = size(geometry.output[1]),
         .output_columns = size(geometry.output[2]),
         .rows_kept = rows.data() + thread * row});
  });
}

template <class T>
void max_without_indices(const PoolGeometry& geometry, const T* input, T* output) {
  if constexpr (std::is_same_v<T, float>) {
    if (has_max_kernel(geometry)) return max_by_kernel(geometry, input, output);
  }
  pool<T, Largest<T>>(geometry, input, output, as_it_is);
}

template <class T>
Step prepare_max_of(const PrepareRequest& request) {
  const bool indices = request.node.has_output(1);
  return [node = request.node, indices](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Shape& in = run.in(0).shape();
    const PoolGeometry geometry(read_window(node, in.size() - 2, std::nullopt), in, run.out().shape(), node);
    const T* input = run.in(0).data<T>().data();
    T* output = run.out().template mutable_data<T>().data();
    if (indices) {
      max_with_indices(geometry, node.integer("storage_order", 0) == 1, input, output, run.out(1).mutable_data<std::int64_t>().data());
    } else {
      max_without_indices(geometry, input, output);
    }
  };
}

Step prepare_max(const PrepareRequest& request) {
  switch (request.type(0)) {
    case DataType::float32:
      return prepare_max_of<float>(request);
    case DataType::float64:
      return prepare_max_of<double>(request);
    case DataType::uint8:
      return prepare_max_of<std::uint8_t>(request);
    case DataType::int8:
      return prepare_max_of<std::int8_t>(request);
    case DataType::float16:
    case DataType::bfloat16:
      return prepare_widened(request, prepare_max_of<float>);
    default:
      request.refuse(cat("MaxPool of ", name_of(request.type(0)), " is not supported"));
  }
}

std::vector<OutputType> infer_pool(const InferRequest& request) {
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (const Shape* input = request.shape(0)) {
    if (input->size() < 3) request.refuse(cat("the input ", to_text(*input), " has no spatial axes"));
    const Window window = read_window(request.node, input->size() - 2, std::nullopt);
    output.shape = spatial_outputs(window, *input, request.node);
    output.shape->insert(output.shape->begin(), input->begin(), input->begin() + 2);
  }
  OutputType indices{.type = DataType::int64, .shape = output.shape};
  return {output, indices};
}

// --- AveragePool, LpPool

template <class T>
Step prepare_average_of(const PrepareRequest& request) {
  return [node = request.node](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Shape& in = run.in(0).shape();
    const PoolGeometry geometry(read_window(node, in.size() - 2, std::nullopt), in, run.out().shape(), node);
    const bool with_padding = node.integer("count_include_pad", 0) != 0;
    const std::span<T> output = run.out().template mutable_data<T>();
    pool<T, Sum<T>>(geometry, run.in(0).data<T>().data(), output.data(), as_it_is);
    std::array<std::vector<std::int64_t>, 3> counts;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (std::int64_t at = 0; at < geometry.output[axis]; ++at) counts[axis].push_back(geometry.count(axis, at, with_padding));
    }
    std::size_t index = 0;
    for (std::int64_t plane = 0; plane < geometry.planes; ++plane) {
      for (const std::int64_t d : counts[0]) {
        for (const std::int64_t h : counts[1]) {
          for (const std::int64_t w : counts[2]) output[index++] /= static_cast<T>(std::max<std::int64_t>(d * h * w, 1));
        }
      }
    }
  };
}

template <class T>
Step prepare_lp_of(const PrepareRequest& request) {
  const auto p = static_cast<T>(request.node.integer("p", 2));
  return [node = request.node, p](RunContext& run) {
    if (run.out().elements() == 0) return;
    const Shape& in = run.in(0).shape();
    const PoolGeometry geometry(read_window(node, in.size() - 2, std::nullopt), in, run.out().shape(), node);
    const std::span<T> output = run.out().template mutable_data<T>();
    pool<T, Sum<T>>(geometry, run.in(0).data<T>().data(), output.data(), [p](T value) { return std::pow(std::abs(value), p); });
    for (T& value : output) value = std::pow(value, 1 / p);
  };
}

// --- the global forms: one number a plane

std::vector<OutputType> infer_global(const InferRequest& request) {
  OutputType output{.type = request.type(0), .shape = std::nullopt};
  if (const Shape* input = request.shape(0)) {
    if (input->size() < 2) request.refuse(cat("the input ", to_text(*input), " has no channels"));
    output.shape = Shape(input->size(), 1);
    std::copy_n(input->begin(), 2, output.shape->begin());
  }
  return {output};
}

// The sum of a plane in double, in eight parts (element i belongs to part i mod 8) that are added in order: additions of one part need not
// wait for those of another, and the result is the same on every instruction set.
template <class T>
double sum_of(std::span<const T> plane) {
  constexpr std::size_t parts = 8;
  double sums[parts] = {};
  std::size_t done = 0;
  for (; done + parts <= plane.size(); done += parts) {
    for (std::size_t part = 0; part < parts; ++part) sums[part] += static_cast<double>(plane[done + part]);
  }
  for (std::size_t part = 0; done + part < plane.size(); ++part) sums[part] += static_cast<double>(plane[done + part]);
  return std::accumulate(std::begin(sums), std::end(sums), 0.0);
}

template <class T, class Reduce>
Step global_step(const Reduce& reduce) {
  return [reduce](RunContext& run) {
    const std::span<const T> input = run.in(0).data<T>();
    const std::span<T> output = run.out().mutable_data<T>();
    const std::size_t size = output.empty() ? 0 : input.size() / output.size();
    kernels::parallel_for(output.size(),
                          [&](std::size_t plane, std::size_t) { output[plane] = reduce(input.subspan(plane * size, size)); });
  };
}

template <class T>
Step prepare_global_average_of(const PrepareRequest&) {
  return global_step<T>([](std::span<const T> plane) { return static_cast<T>(sum_of(plane) / static_cast<double>(plane.size())); });
}

template <class T>
Step prepare_global_max_of(const PrepareRequest&) {
  return global_step<T>([](std::span<const T> plane) {
    T best = Largest<T>::start;
    for (const T value : plane) best = Largest<T>{}(best, value);
    return best;
  });
}

template <class T>
Step prepare_global_lp_of(const PrepareRequest& request) {
  const auto p = static_cast<double>(request.node.integer("p", 2));
  return global_step<T>([p](std::span<const T> plane) {
    double sum = 0;
    for (const T value : plane) sum += std::pow(std::abs(static_cast<double>(value)), p);
    return static_cast<T>(std::pow(sum, 1 / p));
  });
}

template <Step (*float32)(const PrepareRequest&), Step (*float64)(const PrepareRequest&)>
Step prepare_floats(const PrepareRequest& request) {
  switch (request.type(0)) {
    case DataType::float32:
      return float32(request);
    case DataType::float64:
      return float64(request);
    case DataType::float16:
    case DataType::bfloat16:
      return prepare_widened(request, float32);
    default:
      request.refuse(cat(request.node.type, " of ", name_of(request.type(0)), " is not supported"));
  }
}

constexpr OperatorDefinition rows[] = {
    {.type = "MaxPool", .infer = infer_pool, .prepare = prepare_max},
    {.type = "AveragePool", .infer = infer_pool, .prepare = prepare_floats<prepare_average_of<float>, prepare_average_of<double>>},
    {.type = "LpPool", .first_opset = 2, .infer = infer_pool, .prepare = prepare_floats<prepare_lp_of<float>, prepare_lp_of<double>>},
    {.type = "GlobalAveragePool",
     .infer = infer_global,
     .prepare = prepare_floats<prepare_global_average_of<float>, prepare_global_average_of<double>>},
    {.type = "GlobalMaxPool",
     .infer = infer_global,
     .prepare = prepare_floats<prepare_global_max_of<float>, prepare_global_max_of<double>>},
    {.type = "GlobalLpPool",
     .first_opset = 2,
     .infer = infer_global,
     .prepare = prepare_floats<prepare_global_lp_of<float>, prepare_global_lp_of<double>>},
};

}  // namespace

Family pooling() { return rows; }

}  // namespace titrate::engine::ops
