// titrate check: which nodes of a quantized model will not run as integers on a target, and which will compute something else than it says.
#include "engine/quant/check/check.hpp"

#include <cmath>

#include "engine/base/text.hpp"
#include "engine/onnx/read.hpp"
#include "engine/quant/targets/read_target.hpp"
#include "tuner/cli/command.hpp"
#include "tuner/cli/output.hpp"

namespace titrate::cli {
namespace {

using engine::CheckReport;
using engine::Severity;
using Json = nlohmann::ordered_json;

// As for a goal that is not met: the model was looked at, and is not what it should be.
constexpr int found_errors = 4;

struct Options {
  std::string model;
  std::string target = "onnxruntime";
  bool json = false;
};

Json document_of(const CheckReport& report, const engine::Target& target) {
  Json findings = Json::array();
  for (const engine::Finding& finding : report.findings) {
    findings.push_back({{"severity", name_of(finding.severity)},
                        {"node", finding.node},
                        {"type", finding.type},
                        {"rule", finding.rule},
                        {"words", finding.words},
                        {"hint", finding.hint}});
  }
  return {{"schema", 1},
          {"target", target.name},
          {"integer_coverage", report.integer_coverage ? Json(*report.integer_coverage) : Json(nullptr)},
          {"errors", report.count(Severity::error)},
          {"warnings", report.count(Severity::warning)},
          {"notes", report.count(Severity::note)},
          {"findings", std::move(findings)}};
}

std::string text_of(const CheckReport& report, const engine::Target& target) {
  std::string text;
  std::string last_hint;
  for (const engine::Finding& finding : report.findings) {
    text += cat(name_of(finding.severity), ": ", visible(finding.node), " (", visible(finding.type), "), ", finding.rule, ": ",
                visible(finding.words), "\n");
    // Said once for a row of equal ones.
    if (finding.hint != last_hint) text += cat("    ", visible(finding.hint), "\n");
    last_hint = finding.hint;
  }
  text += cat("on ", visible(target.name), ": ", report.count(Severity::error), " errors, ", report.count(Severity::warning), " warnings, ",
              report.count(Severity::note), " notes");
  // Rounded down: 100 % is said only where nothing is left.
  if (report.integer_coverage) text += cat("; integer coverage ", shortest(std::floor(*report.integer_coverage * 1000) / 10), " %");
  return text + "\n";
}

int run(const Options& options) {
  const engine::Target target = engine::find_target(options.target);
  const CheckReport report = engine::check(engine::read_model(options.model), target);
  if (options.json) {
    print_json(document_of(report, target));
  } else {
    print_text(text_of(report, target));
  }
  return report.count(Severity::error) > 0 ? found_errors : 0;
}

}  // namespace

Run add_check(CLI::App& parser) {
  auto options = std::make_shared<Options>();
  parser.add_option("MODEL", options->model, "a quantized .onnx file, of this tool or another")->required();
  parser.add_option("--target", options->target, "onnxruntime, openvino, tensorrt, any, or a .json description of your own");
  parser.add_flag("--json", options->json, "one JSON document on stdout");
  return [options](const Invocation&) { return run(*options); };
}

}  // namespace titrate::cli
