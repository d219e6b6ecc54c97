// Bias correction acts with the scheme: see engine/quant/bias_correction.
#include "engine/quant/stages/stage.hpp"

namespace titrate::engine {

const StageImplementation bias_correction_stage{"bias_correction", true, nullptr};

}  // namespace titrate::engine
