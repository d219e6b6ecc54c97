// RotaryEmbedding (opset 23): turns pairs of numbers of each head by the angle of its position, whose cosines and sines are given.
#include "engine/ops/convert.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

struct Attributes {
  std::int64_t heads;    ///< of an input [batch, length, heads * head size]; unused for [batch, heads, length, head size]
  std::int64_t rotated;  ///< numbers of a head that are turned, the first ones; 0: all
  bool interleaved;      ///< pairs are neighbours, else the first and the second half

  explicit Attributes(const Node& node)
      : heads(node.integer("num_heads", 0)),
        rotated(node.integer("rotary_embedding_dim", 0)),
        interleaved(node.integer("interleaved", 0) != 0) {}
};

/// Where the heads lie: element (batch, position, head) begins at the sum of its strides.
struct Layout {
  std::int64_t batches, length, heads, head_size;
  std::int64_t position_stride, head_stride;
};

// Sizes of 0 divide nothing: such a head has no size.
Layout layout_of(const Shape& shape, const Attributes& attributes) {
  if (shape.size() == 4) return {shape[0], shape[2], shape[1], shape[3], shape[3], shape[2] * shape[3]};
  const std::int64_t head_size = attributes.heads > 0 ? shape[2] / attributes.heads : 0;
  return {shape[0], shape[1], attributes.heads, head_size, shape[2], head_size};
}

std::int64_t half_of(const Layout& layout, const Attributes& attributes) {
  return (attributes.rotated > 0 ? attributes.rotated : layout.head_size) / 2;
}

void check_cache(const InferRequest& request, std::size_t index, const Layout& layout, std::int64_t half) {
  const Shape* cache = request.shape(index);
  if (cache == nullptr || !all_known(*cache)) return;
  const bool by_position = request.has(3);
  const Shape wanted = by_position ? Shape{(*cache)[0], half} : Shape{layout.batches, layout.length, half};
  if (cache->size() != wanted.size() || *cache != wanted)
    request.refuse(cat("the cosines and sines have the shape ", to_text(*cache), ", not ", to_text(wanted)));
}

void check_positions(const InferRequest& request, const Layout& layout) {
  const Shape* positions = request.shape(3);
  if (positions != nullptr && all_known(*positions) && *positions != Shape{layout.batches, layout.length})
    request.refuse(cat("the position_ids have the shape ", to_text(*positions), ", not [batch, length] of the input"));
}

std::vector<OutputType> infer_rotary(const InferRequest& request) {
  const std::size_t floats[] = {0, 1, 2};
  check_type(request, 0, float_types);
  check_type(request, 3, type_set({DataType::int64}));
  const OutputType output{.type = common_type(request, floats), .shape = request.need(0).shape};
  const Shape* input = request.shape(0);
  if (input == nullptr) return {output};
  const Attributes attributes(request.node);
  if (input->size() != 3 && input->size() != 4) request.refuse(cat("the input ", to_text(*input), " has neither 3 nor 4 axes"));
  if (attributes.rotated < 0 || attributes.rotated % 2 != 0) request.refuse("rotary_embedding_dim must be even and not below 0");
  if (input->size() == 3 && attributes.heads < 1) request.refuse("an input of 3 axes needs the attribute num_heads");
  if (!all_known(*input)) return {output};
  const Layout layout = layout_of(*input, attributes);
  if (input->size() == 3 && layout.head_size * layout.heads != (*input)[2])
    request.refuse(cat("num_heads ", layout.heads, " does not divide the ", (*input)[2], " channels"));
  if (attributes.rotated > layout.head_size) request.refuse("rotary_embedding_dim is larger than a head");
  for (const std::size_t cache : {std::size_t{1}, std::size_t{2}}) check_cache(request, cache, layout, half_of(layout, attributes));
  check_positions(request, layout);
  return {output};
}

// The row of the caches for one position of one sample.
std::int64_t cache_row(const RunContext& run, std::int64_t batch, std::int64_t position, std::int64_t length) {
  const std::int64_t place = batch * length + position;
  if (!run.has(3)) return place;
  const std::int64_t row = run.in(3).data<std::int64_t>()[static_cast<std::size_t>(place)];
  if (row < 0 || row >= run.in(1).shape()[0])
    throw_invalid(cat("the position ", row, " is outside the ", run.in(1).shape()[0], " rows of cosines and sines"));
  return row;
}

template <class T>
void turn(const T* source, T* target, const T* cosines, const T* sines, std::int64_t half, const Layout& layout, bool interleaved) {
  for (std::int64_t pair = 0; pair < half; ++pair) {
    const std::int64_t first = interleaved ? 2 * pair : pair;
    const std::int64_t second = interleaved ? 2 * pair + 1 : pair + half;
    target[first] = cosines[pair] * source[first] - sines[pair] * source[second];
    target[second] = sines[pair] * source[first] + cosines[pair] * source[second];
  }
  for (std::int64_t index = 2 * half; index < layout.head_size; ++index) target[index] = source[index];
}

template <class T>
void rotate(RunContext& run, const Attributes& attributes) {
  const Layout layout = layout_of(run.in(0).shape(), attributes);
  const std::int64_t half = half_of(layout, attributes);
  const std::int64_t sample = layout.length * layout.heads * layout.head_size;
  const T* source = run.in(0).data<T>().data();
  T* target = run.out().mutable_data<T>().data();
  for (std::int64_t batch = 0; batch < layout.batches; ++batch) {
    for (std::int64_t position = 0; position < layout.length; ++position) {
      const std::int64_t row = cache_row(run, batch, position, layout.length) * half;
      for (std::int64_t head = 0; head < layout.heads; ++head) {
        const std::int64_t begin = batch * sample + position * layout.position_stride + head * layout.head_stride;
        turn(source + begin, target + begin, run.in(1).data<T>().data() + row, run.in(2).data<T>().data() + row, half, layout,
             attributes.interleaved);
      }
    }
  }
}

Step prepare_rotary(const PrepareRequest& request) {
  return through_float32([attributes = Attributes(request.node)](RunContext& run) {
    with_type(FloatTypes{}, run.in(0).type(), [&]<class T>(TypeTag<T>) { rotate<T>(run, attributes); });
  });
}

constexpr OperatorDefinition rows[] = {
    {.type = "RotaryEmbedding", .first_opset = 23, .least_inputs = 3, .most_inputs = 4, .infer = infer_rotary, .prepare = prepare_rotary},
};

}  // namespace

Family rotary_embedding() { return rows; }

}  // namespace titrate::engine::ops
