// Tunes a model against a function of one's own, then quantizes it step by step.
#include <titrate/titrate.hpp>

#include <iostream>

int main(int count, char** words) {
  if (count != 3) {
    std::cerr << "usage: example MODEL.onnx DATA\n";
    return 2;
  }
  const auto model = titrate::Model::load(words[1]);
  const auto data = titrate::Data::open(words[2], model);
  const auto accuracy = [&](const titrate::Model& candidate) { return candidate.evaluate(data, "top1"); };

  const auto result = titrate::autotune(
      model, {.config_set = "rtn(sym=[false,true],group_size=[32,16])", .tolerable_loss = 0.01, .max_trials = 10}, accuracy);
  for (const auto& trial : result.trials) std::cout << trial.number << "  " << trial.config << "  " << trial.metric.value_or(0) << '\n';
  if (!result.met) return 1;
  std::cout << result.best->config << " keeps " << *result.best->metric << " of " << result.baseline << " in " << result.model->size_bytes()
            << " instead of " << model.size_bytes() << " bytes\n";

  auto prepared = titrate::prepare(model, "static_int8()");
  titrate::calibrate(prepared, data);
  const auto quantized = titrate::convert(prepared);
  std::cout << "static_int8() keeps " << accuracy(quantized) << '\n';
  return 0;
}
