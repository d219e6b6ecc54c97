#include "tuner/cli/command.hpp"

namespace titrate::cli {
namespace {

constexpr CommandRow rows[] = {
    {"tune", "find the smallest quantized model whose metric stays within a tolerable loss", add_tune},
    {"eval", "measure a model on data", add_eval},
    {"quantize", "quantize a model by one config", add_quantize},
    {"compare", "show where a quantized model loses accuracy, layer by layer", add_compare},
    {"bench", "measure how long a model takes here, and where the time goes", add_bench},
    {"check", "hold a quantized model against a target: what will not run as integers, what would be wrong", add_check},
    {"inspect", "show what a model consists of", add_inspect},
    {"configs", "show what a config set expands to; without one every scheme and its fields", add_configs},
    {"trials", "list the trials of a study", add_trials},
    {"report", "render a study: terminal, json, html or markdown", add_report},
    {"demo", "tune the model and data that come with the program", add_demo},
};

}  // namespace

std::span<const CommandRow> commands() { return rows; }

}  // namespace titrate::cli
