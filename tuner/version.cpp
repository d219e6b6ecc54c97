#include "tuner/version.hpp"

namespace titrate {

std::string_view version() { return "0.1.0"; }

}  // namespace titrate
