#include "engine/base/error.hpp"

#include <utility>

namespace titrate {

Error::Error(ErrorCode code, std::string what, std::string where, std::string hint)
    : code_(code), message_(std::move(what)), where_(std::move(where)), hint_(std::move(hint)) {
  compose();
}

Error& Error::in(const std::string& place) {
  where_ += where_.empty() ? place : ", " + place;
  compose();
  return *this;
}

Error& Error::with_hint(std::string hint) {
  hint_ = std::move(hint);
  compose();
  return *this;
}

void Error::compose() {
  full_ = message_;
  if (!where_.empty()) full_ += " (" + where_ + ")";
  if (!hint_.empty()) full_ += "; " + hint_;
}

void throw_invalid(std::string what, std::string where, std::string hint) {
  throw Error(ErrorCode::invalid, std::move(what), std::move(where), std::move(hint));
}

void throw_usage(std::string what, std::string where, std::string hint) {
  throw Error(ErrorCode::usage, std::move(what), std::move(where), std::move(hint));
}

}  // namespace titrate
