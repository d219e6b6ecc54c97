// The node stays float.
#include "engine/quant/schemes/scheme.hpp"

namespace titrate::engine {
namespace {

bool needs_calibration(const Scheme&) { return false; }
std::optional<std::string> refusal(const Graph&, const Node&, const Scheme&) { return std::nullopt; }
Scheme effective(const Scheme& scheme, std::int64_t) { return scheme; }
void apply(SchemeContext&, Assignment&) {}

}  // namespace

const QuantizerRow float_scheme{"float", needs_calibration, refusal, effective, apply};

}  // namespace titrate::engine
