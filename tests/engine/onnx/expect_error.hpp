// Expects an Error(invalid) whose text contains the words.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "engine/base/error.hpp"

namespace titrate::engine {

template <class Act>
void expect_invalid(Act&& act, const std::string& words) {
  try {
    act();
    ADD_FAILURE() << "no error, but expected one about: " << words;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid);
    EXPECT_THAT(std::string(error.what()), testing::HasSubstr(words));
  }
}

}  // namespace titrate::engine
