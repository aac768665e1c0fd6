/** How a write that would shut somebody out is told apart from others that are refused: both ends name this field. */
export const acceptLockoutField = "acceptLockout";
