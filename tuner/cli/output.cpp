#include "tuner/cli/output.hpp"

#include <iostream>

#include "engine/base/text.hpp"

namespace titrate::cli {

void print_json(const nlohmann::ordered_json& document) {
  std::cout << document.dump(1, ' ', true, nlohmann::ordered_json::error_handler_t::replace) << '\n' << std::flush;
}

void print_text(const std::string& text) { std::cout << text << std::flush; }

void print_warning(const std::string& what) { std::cerr << "titrate: warning: " << visible(what) << '\n'; }

void print_error(const Error& error, bool json) {
  std::cerr << "titrate: error: " << visible(error.message());
  if (!error.where().empty()) std::cerr << "\n  in " << visible(error.where());
  if (!error.hint().empty()) std::cerr << "\n  hint: " << visible(error.hint());
  std::cerr << '\n';
  if (!json) return;
  const nlohmann::ordered_json details = {
      {"code", static_cast<int>(error.code())}, {"what", error.message()}, {"where", error.where()}, {"hint", error.hint()}};
  print_json({{"schema", 1}, {"error", details}});
}

}  // namespace titrate::cli
