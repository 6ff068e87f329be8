"""Message push (消息推送) of Official Accounts and mini-programs, as events of ours."""
