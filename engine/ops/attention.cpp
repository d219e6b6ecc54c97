// Attention (opset 23): softmax(softcap(Q K^T scale) + mask) V, head by head, with grouped queries, a cache of earlier keys and values, and
// causal and padding masks. Products are summed in order in double for float64, in float else; a query that may see no key gives zeros.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/kernels/threads.hpp"
#include "engine/ops/convert.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

// Inputs: Q, K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen (opset 24).
enum Input : std::size_t { query, key, value, mask, past_key, past_value, valid_lengths };

// What the fourth output shows.
enum class Shown : std::uint8_t { products, capped, masked, probabilities };

struct Attributes {
  std::int64_t query_heads;  ///< of inputs [batch, length, heads * head size]
  std::int64_t key_heads;
  float scale;  ///< 0: 1 / sqrt(head size)
  float softcap;
  bool causal;
  Shown shown;

  explicit Attributes(const Node& node)
      : query_heads(node.integer("q_num_heads", 0)),
        key_heads(node.integer("kv_num_heads", 0)),
        scale(node.number("scale", 0)),
        softcap(node.number("softcap", 0)),
        causal(node.integer("is_causal", 0) != 0),
        shown(static_cast<Shown>(node.integer("qk_matmul_output_mode", 0))) {}
};

/// An input as [batch, heads, length, size], whatever its rank; sizes may be -1.
struct Heads {
  std::int64_t batch = 0;
  std::int64_t heads = 0;
  std::int64_t length = 0;
  std::int64_t size = 0;
};

Heads heads_of(const Shape& shape, std::int64_t heads) {
  if (shape.size() == 4) return {shape[0], shape[1], shape[2], shape[3]};
  const bool known = heads > 0 && shape[2] >= 0;
  return {shape[0], heads, shape[1], known ? shape[2] / heads : -1};
}

void check_attributes(const InferRequest& request) {
  const std::int64_t mode = request.node.integer("qk_matmul_output_mode", 0);
  if (mode < 0 || mode > 3) request.refuse(cat("qk_matmul_output_mode is ", mode, ", 0 to 3 are known"));
  if (request.node.number("softcap", 0) < 0) request.refuse("softcap is negative");
  for (const std::size_t index : {query, key, value, past_key, past_value}) check_type(request, index, float_types);
  check_type(request, mask, float_types | boolean_type);
  check_type(request, valid_lengths, type_set({DataType::int64}));
  if (request.has(past_key) != request.has(past_value)) request.refuse("past_key and past_value go together");
}

void check_rank(const InferRequest& request, std::size_t index, std::int64_t heads) {
  const Shape* shape = request.shape(index);
  if (shape == nullptr) return;
  if (shape->size() == 4) return;
  if (shape->size() != 3) request.refuse(cat("input ", index, " ", to_text(*shape), " has neither 3 nor 4 axes"));
  if (heads < 1) request.refuse("inputs of 3 axes need the attributes q_num_heads and kv_num_heads");
  if ((*shape)[2] >= 0 && (*shape)[2] % heads != 0)
    request.refuse(cat(heads, " heads do not divide the ", (*shape)[2], " channels of input ", index));
}

bool differ(std::int64_t left, std::int64_t right) { return left >= 0 && right >= 0 && left != right; }

// The mask broadcasts to [batch, heads, length, keys], but its last axis may be shorter: keys behind it are masked.
void check_mask(const InferRequest& request, const Heads& queries, std::int64_t keys) {
  const Shape* given = request.shape(mask);
  if (given == nullptr) return;
  if (given->size() < 2 || given->size() > 4) request.refuse(cat("the mask ", to_text(*given), " has neither 2, 3 nor 4 axes"));
  const Shape wanted = {queries.batch, queries.heads, queries.length, keys};
  for (std::size_t axis = 0; axis < given->size(); ++axis) {
    const std::int64_t own = (*given)[given->size() - 1 - axis];
    const std::int64_t size = wanted[3 - axis];
    const bool fits = axis == 0 ? own < 0 || size < 0 || own <= size : own == 1 || !differ(own, size);
    if (!fits) request.refuse(cat("the mask ", to_text(*given), " does not fit ", to_text(wanted)));
  }
}

void check_sizes(const InferRequest& request, const Heads& queries, const Heads& keys, const Heads& values) {
  if (differ(queries.size, keys.size)) request.refuse(cat("a query has ", queries.size, " numbers a head, a key ", keys.size));
  if (differ(keys.length, values.length)) request.refuse("keys and values differ in length");
  if (differ(keys.heads, values.heads)) request.refuse("keys and values differ in heads");
  if (differ(queries.batch, keys.batch) || differ(keys.batch, values.batch)) request.refuse("the batches differ");
  if (keys.heads == 0 || (queries.heads > 0 && keys.heads > 0 && queries.heads % keys.heads != 0))
    request.refuse(cat(queries.heads, " heads of queries cannot share ", keys.heads, " heads of keys"));
  const Shape* lengths = request.shape(valid_lengths);
  if (lengths != nullptr && (lengths->size() != 1 || differ((*lengths)[0], queries.batch)))
    request.refuse("nonpad_kv_seqlen must be one number a sample");
}

// The length of the cache: 0 without one, -1 while unknown.
std::int64_t past_length(const InferRequest& request, std::size_t index, const Heads& current) {
  if (!request.has(index)) return 0;
  const Shape* shape = request.shape(index);
  if (shape == nullptr) return -1;
  if (shape->size() != 4) request.refuse(cat("the cache ", to_text(*shape), " has not 4 axes"));
  if (differ((*shape)[0], current.batch) || differ((*shape)[1], current.heads) || differ((*shape)[3], current.size))
    request.refuse(cat("the cache ", to_text(*shape), " does not fit what is appended"));
  return (*shape)[2];
}

std::vector<OutputType> infer_attention(const InferRequest& request) {
  check_attributes(request);
  const Attributes attributes(request.node);
  check_rank(request, query, attributes.query_heads);
  check_rank(request, key, attributes.key_heads);
  check_rank(request, value, attributes.key_heads);
  std::vector<OutputType> outputs(std::max<std::size_t>(1, request.node.outputs.size()),
                                  OutputType{.type = request.type(query), .shape = {}});
  const Shape* shapes[] = {request.shape(query), request.shape(key), request.shape(value)};
  if (std::any_of(std::begin(shapes), std::end(shapes), [](const Shape* shape) { return shape == nullptr; })) return outputs;
  const Heads queries = heads_of(*shapes[0], attributes.query_heads);
  const Heads keys = heads_of(*shapes[1], attributes.key_heads);
  const Heads values = heads_of(*shapes[2], attributes.key_heads);
  check_sizes(request, queries, keys, values);
  const std::int64_t past = past_length(request, past_key, keys);
  (void)past_length(request, past_value, values);
  const std::int64_t total = past < 0 || keys.length < 0 ? -1 : add_sizes(request, past, keys.length);
  check_mask(request, queries, total);
  const bool flat = shapes[0]->size() == 3;
  const std::int64_t channels = queries.heads < 0 || values.size < 0 ? -1 : multiply_sizes(request, queries.heads, values.size);
  outputs[0].shape =
      flat ? Shape{queries.batch, queries.length, channels} : Shape{queries.batch, queries.heads, queries.length, values.size};
  if (outputs.size() > 1) outputs[1] = {.type = request.type(key), .shape = Shape{keys.batch, keys.heads, total, keys.size}};
  if (outputs.size() > 2) outputs[2] = {.type = request.type(value), .shape = Shape{values.batch, values.heads, total, values.size}};
  if (outputs.size() > 3) outputs[3].shape = Shape{queries.batch, queries.heads, queries.length, total};
  return outputs;
}

// The cache, if there is one, with the input behind it: [batch, heads, past + length, size].
template <class T>
std::vector<T> appended(const RunContext& run, std::size_t past, const Tensor& current, const Heads& sizes) {
  const std::int64_t before = run.has(past) ? run.in(past).shape()[2] : 0;
  const std::int64_t total = before + sizes.length;
  std::vector<T> all(static_cast<std::size_t>(sizes.batch * sizes.heads * total * sizes.size));
  const bool flat = current.rank() == 3;
  for (std::int64_t index = 0; index < sizes.batch * sizes.heads; ++index) {
    T* target = all.data() + index * total * sizes.size;
    if (before > 0) target = std::copy_n(run.in(past).data<T>().data() + index * before * sizes.size, before * sizes.size, target);
    const std::int64_t head = index % sizes.heads;
    for (std::int64_t position = 0; position < sizes.length; ++position) {
      const std::int64_t row =
          flat ? (index / sizes.heads * sizes.length + position) * sizes.heads + head : index * sizes.length + position;
      target = std::copy_n(current.data<T>().data() + row * sizes.size, sizes.size, target);
    }
  }
  return all;
}

// What a mask adds to the score of one query and key.
template <class T>
class Mask {
 public:
  Mask(const RunContext& run, const Attributes& attributes, const Heads& queries, std::int64_t past)
      : tensor_(run.has(mask) ? &run.in(mask) : nullptr),
        lengths_(run.has(valid_lengths) ? &run.in(valid_lengths) : nullptr),
        causal_(attributes.causal),
        queries_(queries.length),
        past_(past) {
    if (tensor_ == nullptr) return;
    std::int64_t stride = 1;
    for (std::size_t axis = 0; axis < tensor_->shape().size(); ++axis) {
      const std::int64_t size = tensor_->shape()[tensor_->shape().size() - 1 - axis];
      strides_[3 - axis] = size == 1 && axis > 0 ? 0 : stride;
      stride *= size;
    }
    columns_ = tensor_->shape().back();
  }

  [[nodiscard]] T addend(std::int64_t batch, std::int64_t head, std::int64_t position, std::int64_t column) const {
    const std::int64_t valid = lengths_ == nullptr ? 0 : lengths_->data<std::int64_t>()[static_cast<std::size_t>(batch)];
    if (lengths_ != nullptr && column >= valid) return hidden;
    // The last query sees the last key: those before it stand in the cache, or in front of the padding.
    const std::int64_t offset = lengths_ != nullptr && past_ == 0 ? valid - queries_ : past_;
    if (causal_ && column > position + offset) return hidden;
    if (tensor_ == nullptr) return 0;
    if (column >= columns_) return hidden;
    const auto place = static_cast<std::size_t>(batch * strides_[0] + head * strides_[1] + position * strides_[2] + column * strides_[3]);
    if (tensor_->type() == DataType::boolean) return tensor_->bits<std::uint8_t>()[place] != 0 ? T{0} : hidden;
    return tensor_->data<T>()[place];
  }

 private:
  static constexpr T hidden = -std::numeric_limits<T>::infinity();
  const Tensor* tensor_;
  const Tensor* lengths_;
  bool causal_;
  std::int64_t queries_;
  std::int64_t past_;
  std::int64_t strides_[4] = {0, 0, 0, 0};
  std::int64_t columns_ = 0;
};

// In place; all hidden: zeros.
template <class T>
void to_probabilities(std::span<T> scores) {
  const T largest = *std::max_element(scores.begin(), scores.end());
  if (largest == -std::numeric_limits<T>::infinity()) {
    std::fill(scores.begin(), scores.end(), T{0});
    return;
  }
  T sum = 0;
  for (T& score : scores) {
    score = std::exp(score - largest);
    sum += score;
  }
  for (T& score : scores) score /= sum;
}

template <class T>
class AttentionRun {
 public:
  AttentionRun(RunContext& run, const Attributes& attributes)
      : run_(run),
        attributes_(attributes),
        queries_(heads_of(run.in(query).shape(), attributes.query_heads)),
        keys_(heads_of(run.in(key).shape(), attributes.key_heads)),
        values_(heads_of(run.in(value).shape(), attributes.key_heads)),
        past_(run.has(past_key) ? run.in(past_key).shape()[2] : 0),
        total_(past_ + keys_.length),
        all_keys_(appended<T>(run, past_key, run.in(key), keys_)),
        all_values_(appended<T>(run, past_value, run.in(value), values_)),
        mask_(run, attributes, queries_, past_),
        scale_(attributes.scale != 0 ? static_cast<T>(attributes.scale) : T{1} / std::sqrt(static_cast<T>(queries_.size))) {}

  void compute() {
    const auto rows = static_cast<std::size_t>(queries_.batch * queries_.heads * queries_.length);
    kernels::parallel_for(rows, [&](std::size_t row, std::size_t) { attend(static_cast<std::int64_t>(row)); });
    if (wants(1)) std::copy(all_keys_.begin(), all_keys_.end(), run_.out(1).mutable_data<T>().begin());
    if (wants(2)) std::copy(all_values_.begin(), all_values_.end(), run_.out(2).mutable_data<T>().begin());
  }

 private:
  [[nodiscard]] bool wants(std::size_t output) const { return run_.outputs.size() > output && run_.out(output).exists(); }

  void show(Shown what, std::int64_t row, std::span<const T> scores) const {
    if (what != attributes_.shown || !wants(3)) return;
    std::copy(scores.begin(), scores.end(), run_.out(3).template mutable_data<T>().data() + row * total_);
  }

  // Where a query's numbers begin in an input or output of the queries' shape with `size` numbers a head.
  [[nodiscard]] std::int64_t place(std::int64_t batch, std::int64_t head, std::int64_t position, std::int64_t size) const {
    if (run_.in(query).rank() == 4) return ((batch * queries_.heads + head) * queries_.length + position) * size;
    return ((batch * queries_.length + position) * queries_.heads + head) * size;
  }

  void attend(std::int64_t row) {
    const std::int64_t position = row % queries_.length;
    const std::int64_t head = row / queries_.length % queries_.heads;
    const std::int64_t batch = row / queries_.length / queries_.heads;
    const std::int64_t group = batch * keys_.heads + head / (queries_.heads / keys_.heads);
    std::vector<T> scores(static_cast<std::size_t>(total_));
    const T* own = run_.in(query).data<T>().data() + place(batch, head, position, queries_.size);
    const T* keys = all_keys_.data() + group * total_ * keys_.size;
    for (std::int64_t column = 0; column < total_; ++column) {
      T sum = 0;
      for (std::int64_t i = 0; i < keys_.size; ++i) sum += own[i] * keys[column * keys_.size + i];
      scores[static_cast<std::size_t>(column)] = sum * scale_;
    }
    show(Shown::products, row, scores);
    const auto cap = static_cast<T>(attributes_.softcap);
    if (cap > 0) std::for_each(scores.begin(), scores.end(), [cap](T& score) { score = std::tanh(score / cap) * cap; });
    show(Shown::capped, row, scores);
    for (std::int64_t column = 0; column < total_; ++column)
      scores[static_cast<std::size_t>(column)] += mask_.addend(batch, head, position, column);
    show(Shown::masked, row, scores);
    if (total_ > 0) to_probabilities(std::span(scores));
    show(Shown::probabilities, row, scores);
    add_values(scores, all_values_.data() + group * total_ * values_.size,
               run_.out(0).template mutable_data<T>().data() + place(batch, head, position, values_.size));
  }

  void add_values(const std::vector<T>& probabilities, const T* values, T* target) const {
    std::fill_n(target, values_.size, T{0});
    for (std::int64_t column = 0; column < total_; ++column) {
      const T weight = probabilities[static_cast<std::size_t>(column)];
      // A key that is hidden has no say, whatever its value is.
      if (weight == T{0}) continue;
      for (std::int64_t i = 0; i < values_.size; ++i) target[i] += weight * values[column * values_.size + i];
    }
  }

  RunContext& run_;
  const Attributes& attributes_;
  Heads queries_, keys_, values_;
  std::int64_t past_;
  std::int64_t total_;
  std::vector<T> all_keys_, all_values_;
  Mask<T> mask_;
  T scale_;
};

Step prepare_attention(const PrepareRequest& request) {
  return through_float32([attributes = Attributes(request.node)](RunContext& run) {
    with_type(FloatTypes{}, run.in(query).type(), [&]<class T>(TypeTag<T>) { AttentionRun<T>(run, attributes).compute(); });
  });
}

constexpr OperatorDefinition rows[] = {
    {.type = "Attention", .first_opset = 23, .least_inputs = 3, .most_inputs = 7, .infer = infer_attention, .prepare = prepare_attention},
};

}  // namespace

Family attention() { return rows; }

}  // namespace titrate::engine::ops
