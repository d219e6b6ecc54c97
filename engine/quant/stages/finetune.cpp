// Finetuning acts on the quantized model: see engine/quant/finetune.
#include "engine/quant/stages/stage.hpp"

namespace titrate::engine {

const StageImplementation finetune_stage{"finetune", true, nullptr};

}  // namespace titrate::engine
