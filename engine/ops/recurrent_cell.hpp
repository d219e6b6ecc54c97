// One time step of RNN, GRU and LSTM for one sample and one direction. Formulas: onnx/onnx, docs/Operators.md.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"

namespace titrate::engine::ops {

enum class CellKind : std::uint8_t { rnn, gru, lstm };

/// An activation with its parameters.
struct CellActivation {
  float (*function)(float x, float alpha, float beta) = nullptr;
  float alpha = 0.0F;
  float beta = 0.0F;
  [[nodiscard]] float operator()(float x) const { return function(x, alpha, beta); }
};

/// The attributes of a recurrent node.
struct RecurrentSettings {
  CellKind kind = CellKind::rnn;
  bool forward = true;    ///< has a forward direction
  bool backward = false;  ///< has a reverse direction
  bool batch_first = false;
  bool linear_before_reset = false;         ///< GRU
  bool input_forget = false;                ///< LSTM: the forget gate is 1 - the input gate
  float clip = 0.0F;                        ///< gates are clipped to [-clip, clip]; 0: not
  std::vector<CellActivation> activations;  ///< those of the first direction, then of the second

  [[nodiscard]] std::int64_t directions() const { return (forward ? 1 : 0) + (backward ? 1 : 0); }
  [[nodiscard]] std::int64_t gates() const { return kind == CellKind::rnn ? 1 : kind == CellKind::gru ? 3 : 4; }
  [[nodiscard]] std::size_t activations_per_direction() const { return kind == CellKind::rnn ? 1 : kind == CellKind::gru ? 2 : 3; }
};

/// Throws Error(invalid) for unknown directions and activations.
[[nodiscard]] RecurrentSettings read_recurrent(const Node& node);

/// Weights of one direction: rows are gates * hidden (RNN: i; GRU: z, r, h; LSTM: i, o, f, c). Null where they are left out.
struct CellWeights {
  const float* input = nullptr;        ///< [rows, input_size]
  const float* hidden = nullptr;       ///< [rows, hidden_size]
  const float* input_bias = nullptr;   ///< [rows]
  const float* hidden_bias = nullptr;  ///< [rows]
  const float* peepholes = nullptr;    ///< LSTM: [3 * hidden_size], i, o, f
  const CellActivation* activations = nullptr;
  std::int64_t input_size = 0;
  std::int64_t hidden_size = 0;
};

/// Moves the state on by one input; `cell` is LSTM's second state. `work` has 2 * gates * hidden_size floats.
void step_cell(const RecurrentSettings& settings, const CellWeights& weights, const float* input, float* hidden, float* cell, float* work);

}  // namespace titrate::engine::ops
