// RNN, GRU and LSTM over sequences: forward, reverse or both.
#include <algorithm>

#include "engine/ops/convert.hpp"
#include "engine/ops/recurrent_cell.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/table.hpp"

namespace titrate::engine::ops {
namespace {

// Inputs in the order of the specification.
enum Input : std::size_t { x = 0, weights = 1, recurrence = 2, bias = 3, lengths = 4, initial_hidden = 5, initial_cell = 6, peepholes = 7 };

constexpr TypeSet real_types = type_set({DataType::float16, DataType::bfloat16, DataType::float32});

// The sizes that all shapes agree on; -1 while unknown.
struct Sizes {
  std::int64_t steps = -1, batch = -1, input = -1, hidden = -1;
};

void agree(const InferRequest& request, std::int64_t& size, std::int64_t other, std::string_view what) {
  if (size >= 0 && other >= 0 && size != other) request.refuse(cat("its inputs disagree on the ", what, ": ", size, " and ", other));
  size = std::max(size, other);
}

// The shape of an input with the rank it must have, or null while unknown.
const Shape* shape_of_rank(const InferRequest& request, std::size_t index, std::size_t rank) {
  const Shape* shape = request.shape(index);
  if (shape != nullptr && shape->size() != rank) request.refuse(cat("input ", index, " has ", shape->size(), " axes, not ", rank));
  return shape;
}

void check_matrix(const InferRequest& request, const RecurrentSettings& settings, std::size_t index, std::int64_t& columns, Sizes& sizes,
                  std::string_view what) {
  const Shape* shape = shape_of_rank(request, index, 3);
  if (shape == nullptr) return;
  std::int64_t directions = settings.directions();
  agree(request, directions, (*shape)[0], "number of directions");
  if ((*shape)[1] >= 0 && (*shape)[1] % settings.gates() != 0)
    request.refuse(cat("the rows of input ", index, " are no multiple of the gates"));
  agree(request, sizes.hidden, (*shape)[1] < 0 ? -1 : (*shape)[1] / settings.gates(), "hidden size");
  agree(request, columns, (*shape)[2], what);
}

void check_vector(const InferRequest& request, const RecurrentSettings& settings, std::size_t index, std::int64_t per_unit, Sizes& sizes) {
  const Shape* shape = shape_of_rank(request, index, 2);
  if (shape == nullptr) return;
  std::int64_t directions = settings.directions();
  agree(request, directions, (*shape)[0], "number of directions");
  if (sizes.hidden < 0) return;
  std::int64_t expected = multiply_sizes(request, per_unit, sizes.hidden);
  agree(request, expected, (*shape)[1], cat("length of input ", index));
}

void check_state(const InferRequest& request, const RecurrentSettings& settings, std::size_t index, Sizes& sizes) {
  const Shape* shape = shape_of_rank(request, index, 3);
  if (shape == nullptr) return;
  std::int64_t directions = settings.directions();
  agree(request, directions, (*shape)[settings.batch_first ? 1 : 0], "number of directions");
  agree(request, sizes.batch, (*shape)[settings.batch_first ? 0 : 1], "batch");
  agree(request, sizes.hidden, (*shape)[2], "hidden size");
}

Sizes agreed_sizes(const InferRequest& request, const RecurrentSettings& settings) {
  Sizes sizes{.hidden = request.node.integer("hidden_size", -1)};
  if (request.node.find("hidden_size") != nullptr && sizes.hidden < 1) request.refuse("attribute 'hidden_size' is not positive");
  if (const Shape* shape = shape_of_rank(request, x, 3)) {
    sizes.steps = (*shape)[settings.batch_first ? 1 : 0];
    sizes.batch = (*shape)[settings.batch_first ? 0 : 1];
    sizes.input = (*shape)[2];
  }
  check_matrix(request, settings, weights, sizes.input, sizes, "input size");
  std::int64_t columns = sizes.hidden;
  check_matrix(request, settings, recurrence, columns, sizes, "hidden size");
  agree(request, sizes.hidden, columns, "hidden size");
  check_vector(request, settings, bias, 2 * settings.gates(), sizes);
  check_state(request, settings, initial_hidden, sizes);
  if (settings.kind == CellKind::lstm) {
    check_state(request, settings, initial_cell, sizes);
    check_vector(request, settings, peepholes, 3, sizes);
  }
  if (const Shape* shape = shape_of_rank(request, lengths, 1)) agree(request, sizes.batch, (*shape)[0], "batch");
  return sizes;
}

std::vector<OutputType> infer_recurrent(const InferRequest& request) {
  const RecurrentSettings settings = read_recurrent(request.node);
  check_type(request, x, real_types);
  if (request.has(lengths)) check_type(request, lengths, type_set({DataType::int32}));
  const std::size_t floats[] = {x, weights, recurrence, bias, initial_hidden, initial_cell, peepholes};
  const DataType type = common_type(request, floats);
  const Sizes sizes = agreed_sizes(request, settings);
  const std::int64_t directions = settings.directions();
  const Shape all = settings.batch_first ? Shape{sizes.batch, sizes.steps, directions, sizes.hidden}
                                         : Shape{sizes.steps, directions, sizes.batch, sizes.hidden};
  const Shape last = settings.batch_first ? Shape{sizes.batch, directions, sizes.hidden} : Shape{directions, sizes.batch, sizes.hidden};
  return {{.type = type, .shape = all}, {.type = type, .shape = last}, {.type = type, .shape = last}};
}

const float* floats_at(const RunContext& run, std::size_t index) { return run.has(index) ? run.in(index).data<float>().data() : nullptr; }

// One direction of one run.
class Direction {
 public:
  Direction(const RecurrentSettings& settings, RunContext& run, std::int64_t index, bool backward)
      : settings_(settings), run_(run), index_(index), backward_(backward) {
    const Shape& shape = run.in(x).shape();
    steps_ = shape[settings.batch_first ? 1 : 0];
    batch_ = shape[settings.batch_first ? 0 : 1];
    weights_.input_size = shape[2];
    weights_.hidden_size = run.in(recurrence).shape()[2];
    const std::int64_t size = weights_.hidden_size, rows = settings.gates() * size;
    weights_.input = floats_at(run, weights) + index * rows * weights_.input_size;
    weights_.hidden = floats_at(run, recurrence) + index * rows * size;
    if (const float* both = floats_at(run, bias)) {
      weights_.input_bias = both + index * 2 * rows;
      weights_.hidden_bias = weights_.input_bias + rows;
    }
    const bool is_lstm = settings.kind == CellKind::lstm;
    if (const float* rates = is_lstm ? floats_at(run, peepholes) : nullptr) weights_.peepholes = rates + index * 3 * size;
    weights_.activations = settings.activations.data() + static_cast<std::size_t>(index) * settings.activations_per_direction();
    work_.resize(static_cast<std::size_t>(2 * rows));
  }

  void run_sample(std::int64_t sample) {
    const std::int64_t length = run_.has(lengths) ? run_.in(lengths).data<std::int32_t>()[static_cast<std::size_t>(sample)] : steps_;
    if (length < 0 || length > steps_) throw_invalid(cat("a sequence length is ", length, ", the sequences have ", steps_));
    std::vector<float> hidden = initial(initial_hidden, sample), cell = initial(initial_cell, sample);
    const float* const inputs = run_.in(x).data<float>().data();
    for (std::int64_t step = 0; step < steps_; ++step) {
      if (step >= length) {
        write(0, all_place(step, sample), nullptr);
        continue;
      }
      const std::int64_t time = backward_ ? length - 1 - step : step;
      const std::int64_t row = settings_.batch_first ? sample * steps_ + time : time * batch_ + sample;
      step_cell(settings_, weights_, inputs + row * weights_.input_size, hidden.data(), cell.data(), work_.data());
      write(0, all_place(time, sample), hidden.data());
    }
    write(1, last_place(sample), hidden.data());
    write(2, last_place(sample), cell.data());
  }

 private:
  [[nodiscard]] std::int64_t all_place(std::int64_t time, std::int64_t sample) const {
    const std::int64_t directions = settings_.directions();
    return settings_.batch_first ? (sample * steps_ + time) * directions + index_ : (time * directions + index_) * batch_ + sample;
  }
  [[nodiscard]] std::int64_t last_place(std::int64_t sample) const {
    return settings_.batch_first ? sample * settings_.directions() + index_ : index_ * batch_ + sample;
  }

  [[nodiscard]] std::vector<float> initial(std::size_t input, std::int64_t sample) const {
    const float* states = input == initial_cell && settings_.kind != CellKind::lstm ? nullptr : floats_at(run_, input);
    if (states == nullptr) return std::vector<float>(static_cast<std::size_t>(weights_.hidden_size), 0.0F);
    states += last_place(sample) * weights_.hidden_size;
    return {states, states + weights_.hidden_size};
  }

  // A line of an output that is wanted; null writes zeros.
  void write(std::size_t output, std::int64_t line, const float* values) {
    if (output >= run_.outputs.size() || !run_.out(output).exists()) return;
    float* target = run_.out(output).mutable_data<float>().data() + line * weights_.hidden_size;
    if (values == nullptr)
      std::fill_n(target, weights_.hidden_size, 0.0F);
    else
      std::copy_n(values, weights_.hidden_size, target);
  }

  const RecurrentSettings& settings_;
  RunContext& run_;
  std::int64_t index_;
  bool backward_;
  std::int64_t steps_ = 0;
  std::int64_t batch_ = 0;
  CellWeights weights_;
  std::vector<float> work_;
};

Step prepare_recurrent(const PrepareRequest& request) {
  return through_float32([settings = read_recurrent(request.node)](RunContext& run) {
    const std::int64_t batch = run.in(x).shape()[settings.batch_first ? 0 : 1];
    for (std::int64_t index = 0; index < settings.directions(); ++index) {
      Direction direction(settings, run, index, !settings.forward || index == 1);
      for (std::int64_t sample = 0; sample < batch; ++sample) direction.run_sample(sample);
    }
  });
}

constexpr OperatorDefinition recurrent_row(std::string_view type, int most_inputs) {
  return {.type = type,
          .first_opset = 7,
          .least_inputs = 3,
          .most_inputs = most_inputs,
          .infer = infer_recurrent,
          .prepare = prepare_recurrent};
}

constexpr OperatorDefinition rows[] = {recurrent_row("RNN", 6), recurrent_row("GRU", 6), recurrent_row("LSTM", 8)};

}  // namespace

Family recurrent() { return rows; }

}  // namespace titrate::engine::ops
