#include "engine/ops/recurrent_cell.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"
#include "engine/ops/dot.hpp"

namespace titrate::engine::ops {
namespace {

struct ActivationRow {
  std::string_view name;  ///< in small letters: the specification compares without case
  bool takes_alpha;
  bool takes_beta;
  CellActivation defaults;
};

float sigmoid(float x) { return 1.0F / (1.0F + std::exp(-x)); }

constexpr ActivationRow activation_rows[] = {
    {"relu", false, false, {[](float x, float, float) { return std::max(0.0F, x); }}},
    {"tanh", false, false, {[](float x, float, float) { return std::tanh(x); }}},
    {"sigmoid", false, false, {[](float x, float, float) { return sigmoid(x); }}},
    {"affine", true, true, {[](float x, float alpha, float beta) { return alpha * x + beta; }, 1.0F, 0.0F}},
    {"leakyrelu", true, false, {[](float x, float alpha, float) { return x < 0.0F ? alpha * x : x; }, 0.01F}},
    {"thresholdedrelu", true, false, {[](float x, float alpha, float) { return x > alpha ? x : 0.0F; }, 1.0F}},
    {"scaledtanh", true, true, {[](float x, float alpha, float beta) { return alpha * std::tanh(beta * x); }, 1.0F, 1.0F}},
    {"hardsigmoid", true, true, {[](float x, float alpha, float beta) { return std::clamp(alpha * x + beta, 0.0F, 1.0F); }, 0.2F, 0.5F}},
    {"elu", true, false, {[](float x, float alpha, float) { return x < 0.0F ? alpha * std::expm1(x) : x; }, 1.0F}},
    {"softsign", false, false, {[](float x, float, float) { return x / (1.0F + std::abs(x)); }}},
    {"softplus", false, false, {[](float x, float, float) { return std::max(x, 0.0F) + std::log1p(std::exp(-std::abs(x))); }}},
};

const ActivationRow& activation_named(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  const auto row =
      std::find_if(std::begin(activation_rows), std::end(activation_rows), [&](const ActivationRow& one) { return one.name == name; });
  if (row == std::end(activation_rows)) throw_invalid(cat("the activation '", visible(name), "' does not exist"));
  return *row;
}

std::vector<std::string> activation_names(const Node& node, const RecurrentSettings& settings) {
  if (const Attribute* given = node.find("activations")) {
    const auto* names = std::get_if<std::vector<std::string>>(&given->content);
    const std::size_t wanted = settings.activations_per_direction() * static_cast<std::size_t>(settings.directions());
    if (names == nullptr || names->size() != wanted)
      throw_invalid(cat("attribute 'activations' must name ", wanted, " functions"), node.described());
    return *names;
  }
  std::vector<std::string> names;
  for (std::int64_t direction = 0; direction < settings.directions(); ++direction) {
    if (settings.kind == CellKind::rnn) names.insert(names.end(), {"Tanh"});
    if (settings.kind == CellKind::gru) names.insert(names.end(), {"Sigmoid", "Tanh"});
    if (settings.kind == CellKind::lstm) names.insert(names.end(), {"Sigmoid", "Tanh", "Tanh"});
  }
  return names;
}

// The parameters are listed for those functions only that take them.
std::vector<CellActivation> read_activations(const Node& node, const RecurrentSettings& settings) {
  const std::vector<float> alphas = node.numbers("activation_alpha"), betas = node.numbers("activation_beta");
  auto alpha = alphas.begin();
  auto beta = betas.begin();
  std::vector<CellActivation> activations;
  for (const std::string& name : activation_names(node, settings)) {
    const ActivationRow& row = activation_named(name);
    activations.push_back(row.defaults);
    if (row.takes_alpha && alpha != alphas.end()) activations.back().alpha = *alpha++;
    if (row.takes_beta && beta != betas.end()) activations.back().beta = *beta++;
  }
  return activations;
}

// out = matrix * x + bias.
void affine(const float* matrix, std::int64_t rows, std::int64_t columns, const float* x, const float* bias, float* out) {
  for (std::int64_t row = 0; row < rows; ++row) out[row] = dot(matrix + row * columns, x, columns) + (bias == nullptr ? 0.0F : bias[row]);
}

float clipped(float x, float clip) { return clip > 0.0F ? std::clamp(x, -clip, clip) : x; }

void step_rnn(const RecurrentSettings& settings, const CellWeights& weights, float* hidden, const float* from_input,
              const float* from_hidden) {
  for (std::int64_t unit = 0; unit < weights.hidden_size; ++unit) {
    hidden[unit] = weights.activations[0](clipped(from_input[unit] + from_hidden[unit], settings.clip));
  }
}

void step_gru(const RecurrentSettings& settings, const CellWeights& weights, float* hidden, float* from_input, float* from_hidden) {
  const std::int64_t size = weights.hidden_size;
  const CellActivation &gate = weights.activations[0], &candidate = weights.activations[1];
  float* update = from_input;
  float* reset = from_input + size;
  for (std::int64_t unit = 0; unit < 2 * size; ++unit) update[unit] = gate(clipped(from_input[unit] + from_hidden[unit], settings.clip));
  if (!settings.linear_before_reset) {
    float* const reset_hidden = from_hidden;  // the gates' share is used up
    for (std::int64_t unit = 0; unit < size; ++unit) reset_hidden[unit] = reset[unit] * hidden[unit];
    const float* bias = weights.hidden_bias == nullptr ? nullptr : weights.hidden_bias + 2 * size;
    affine(weights.hidden + 2 * size * size, size, size, reset_hidden, bias, from_hidden + 2 * size);
  }
  for (std::int64_t unit = 0; unit < size; ++unit) {
    const float recurrent = from_hidden[2 * size + unit] * (settings.linear_before_reset ? reset[unit] : 1.0F);
    const float fresh = candidate(clipped(from_input[2 * size + unit] + recurrent, settings.clip));
    hidden[unit] = (1.0F - update[unit]) * fresh + update[unit] * hidden[unit];
  }
}

void step_lstm(const RecurrentSettings& settings, const CellWeights& weights, float* hidden, float* cell, const float* from_input,
               const float* from_hidden) {
  const std::int64_t size = weights.hidden_size;
  const CellActivation &gate = weights.activations[0], &candidate = weights.activations[1], &output = weights.activations[2];
  const auto peephole = [&](std::int64_t row, float state) { return weights.peepholes == nullptr ? 0.0F : weights.peepholes[row] * state; };
  const auto activated = [&](const CellActivation& function, std::int64_t row, float extra) {
    return function(clipped(from_input[row] + from_hidden[row] + extra, settings.clip));
  };
  for (std::int64_t unit = 0; unit < size; ++unit) {
    const float in = activated(gate, unit, peephole(unit, cell[unit]));
    const float forget = settings.input_forget ? 1.0F - in : activated(gate, 2 * size + unit, peephole(2 * size + unit, cell[unit]));
    cell[unit] = forget * cell[unit] + in * activated(candidate, 3 * size + unit, 0.0F);
    const float out = activated(gate, size + unit, peephole(size + unit, cell[unit]));
    hidden[unit] = out * output(cell[unit]);
  }
}

}  // namespace

RecurrentSettings read_recurrent(const Node& node) {
  RecurrentSettings settings;
  if (node.type == "GRU") settings.kind = CellKind::gru;
  if (node.type == "LSTM") settings.kind = CellKind::lstm;
  const std::string direction = node.text("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
    throw_invalid("attribute 'direction' must be forward, reverse or bidirectional", node.described());
  }
  settings.forward = direction != "reverse";
  settings.backward = direction != "forward";
  settings.batch_first = node.integer("layout", 0) != 0;
  settings.linear_before_reset = node.integer("linear_before_reset", 0) != 0;
  settings.input_forget = node.integer("input_forget", 0) != 0;
  settings.clip = node.number("clip", 0.0F);
  settings.activations = read_activations(node, settings);
  return settings;
}

void step_cell(const RecurrentSettings& settings, const CellWeights& weights, const float* input, float* hidden, float* cell, float* work) {
  const std::int64_t rows = settings.gates() * weights.hidden_size;
  float* from_input = work;
  float* from_hidden = work + rows;
  affine(weights.input, rows, weights.input_size, input, weights.input_bias, from_input);
  // GRU's last gate may see the hidden state only after it was reset.
  const bool later = settings.kind == CellKind::gru && !settings.linear_before_reset;
  affine(weights.hidden, later ? 2 * weights.hidden_size : rows, weights.hidden_size, hidden, weights.hidden_bias, from_hidden);
  if (settings.kind == CellKind::rnn) step_rnn(settings, weights, hidden, from_input, from_hidden);
  if (settings.kind == CellKind::gru) step_gru(settings, weights, hidden, from_input, from_hidden);
  if (settings.kind == CellKind::lstm) step_lstm(settings, weights, hidden, cell, from_input, from_hidden);
}

}  // namespace titrate::engine::ops
