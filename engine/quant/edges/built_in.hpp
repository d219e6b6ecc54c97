// The placement of static_int8 as a Quantizer, to compose with others.
#pragma once

#include "engine/config/config.hpp"
#include "engine/quant/edges/quantizer.hpp"
#include "engine/quant/targets/target.hpp"

namespace titrate::engine {

/// Annotates what static_int8 quantizes for a target: activations around and between the layers that run on integers (shared where
/// operators only move codes, fixed where the target says so), weights, biases (derived), tables that an override chooses. Nodes that a
/// quantizer before it annotated are left alone; values that one annotated are shared with it.
///
/// The same as the scheme but for what it decides from data and weights: scales that a large bias or a target's bounds enlarge, 7-bit
/// weights where sums can saturate, one zero point for asymmetric weights with several scales (here they have one scale and the zero point
/// of their range), equal scales around a Concat where they are free, int8 codes of values with several readers as uint8, an Add that
/// becomes the bias of a MatMul.
class StaticInt8Quantizer : public Quantizer {
 public:
  /// Throws Error(usage) if the config's own scheme is not static_int8. Overrides count, stages are Error(usage).
  StaticInt8Quantizer(Config config, Target target);
  [[nodiscard]] std::string name() const override;
  void annotate(const GraphDescription& description, Annotations& annotations) const override;

 private:
  Config config_;
  Target target_;
};

}  // namespace titrate::engine
